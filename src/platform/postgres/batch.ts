import type { CallContext } from '../../base/call-context.ts';
import { Deadline, type EndListener } from '../../base/deadline.ts';
import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Span } from '../../base/span.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import { Timings } from '../../base/timings.ts';
import { type BatchCall, BatchQueue } from './batch-queue.ts';
import type { Database } from './database.ts';
import { isRefused, postgresErrors } from './errors.ts';
import type { Statement } from './statement.ts';

/** A statement that serves many callers at once. */
export interface BatchDefinition<Input, Row extends { i: number | null }> {
  /** The statement for these inputs. Each row of its result says by `i`, from 1, whose answer it belongs to. */
  readonly statement: (inputs: readonly Input[]) => Statement<Row>;
  /** For reads: what a caller asks for, as text. Callers that wait for the same are answered by one input. */
  readonly keyOf?: (input: Input) => string;
  /** Inputs in one statement, where each brings many rows; else a thousand. */
  readonly maxInputs?: number;
}

/** What is known of a batch when it has been answered, for metrics. */
export interface BatchObservation {
  readonly name: string;
  /** How many inputs it had. */
  readonly inputs: number;
  /** How long the caller that waited longest waited for it to leave, in milliseconds. */
  readonly waitMs: number;
}

/** What is told of batches, for metrics. */
export interface BatchObservers {
  /** Told of each batch that was answered. */
  readonly observe?: (observation: BatchObservation) => void;
  /** Told of each caller that is refused because the statement has too many, with the statement's name. */
  readonly onRefused?: (name: string) => void;
}

/** How batches run. */
export interface BatchOptions extends BatchObservers {
  readonly database: Database;
  readonly clock?: Clock;
}

/** Asks for one input; answers the rows that belong to it. */
export type Batched<Input, Row> = (input: Input, context: CallContext) => Promise<Row[]>;

/**
 * How many batches of one statement may be under way, and of all statements of a database. A caller waits for the next one to
 * leave: a round trip divided by this, at most. More would only make the batches smaller, and their cost greater.
 */
const MAX_IN_FLIGHT = 18;
const MAX_IN_FLIGHT_OF_ALL = 24;

/** The batched statements of each database that are in use at the moment: they share its connections. */
const busyBatches = new WeakMap<Database, Set<unknown>>();

function busyBatchesOf(database: Database): Set<unknown> {
  const busy = busyBatches.get(database) ?? new Set();
  busyBatches.set(database, busy);
  return busy;
}

/** Inputs that may always leave together: fewer would cost a near database more in statements than is won in evenness. */
const MIN_SHARE = 50;

/**
 * How far batches of a statement are held apart, in milliseconds, while one of them is under way. Less would have a near
 * database run more statements, each with fewer inputs, for the same work. A database in trouble must not slow its own recovery
 * by more.
 */
const MIN_SPACING_MS = 6;
const MAX_SPACING_MS = 25;

/** Inputs in one statement: beyond this a statement takes so long that others wait for it. */
const DEFAULT_MAX_INPUTS = 1_000;

/**
 * How long a caller may wait for its batch to leave, in milliseconds: as long as for a connection of the pool. Only when
 * every batch under way hangs does anyone wait longer; more would add to the bound of the statement itself.
 */
const MAX_WAIT_MS = 500;

/** How much longer a batch has than its most patient caller, in milliseconds: timers of one instant go off in any order. */
const LATER_MS = 10;

/** How often waiting callers are looked at while nothing can leave, in milliseconds. */
const WAIT_CHECK_MS = 100;

/** Callers that wait, per statement: two seconds' worth of the most that was measured; beyond it they are refused. */
const MAX_WAITING = 20_000;

/**
 * Lets callers share a statement. With nothing under way a call leaves at the end of the event loop's turn, alone or with
 * those that came in the same turn. Further batches leave evenly spaced over the time that the statement takes, so that
 * the last slot is taken when the first comes free; meanwhile the next batch fills. With the database near, the next batch
 * leaves when the one before is back, as commits in a group do.
 *
 * Every caller keeps its own deadline: when that ends, it is told at once, and the batch goes on for the others; a batch
 * that nobody waits for any more is cancelled on the server. Every caller keeps its own error: a statement that Postgres
 * refuses, or that cannot be written or sent, has changed nothing, so it is run again in halves until the input at fault
 * stands alone. The idea is that of Facebook's DataLoader, without its fixed tick and with writes.
 *
 * @throws AppError `postgres.overloaded` when too many wait, a caller has waited half a second, or its time would be over
 *   before its turn came; and all that `Database.query` throws.
 */
export function createBatch<Input, Row extends { i: number | null }>(
  definition: BatchDefinition<Input, Row>,
  options: BatchOptions,
): Batched<Input, Row> {
  const batch = new Batch(definition, options);
  return (input, context) => batch.ask(input, context);
}

class Batch<Input, Row extends { i: number | null }> {
  readonly #definition: BatchDefinition<Input, Row>;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #observe: BatchOptions['observe'];
  readonly #onRefused: BatchOptions['onRefused'];
  readonly #queue: BatchQueue<Input, Row>;
  readonly #maxInputs: number;
  readonly #busy: Set<unknown>;
  #inFlight = 0;
  #inputsInFlight = 0;
  /** When the next batch is due, on the monotonic clock. */
  #nextDueMs = 0;
  #leaving = false;
  /** Set while the next batch is held apart from those under way. */
  #spacing: NodeJS.Timeout | undefined;
  #waitCheck: NodeJS.Timeout | undefined;
  /** How long a statement takes, in milliseconds, smoothed: what a caller's deadline is held against. */
  #typicalMs = 0;

  constructor(definition: BatchDefinition<Input, Row>, options: BatchOptions) {
    const { database, clock = systemClock, observe, onRefused } = options;
    this.#definition = definition;
    this.#database = database;
    this.#clock = clock;
    this.#observe = observe;
    this.#onRefused = onRefused;
    this.#queue = new BatchQueue(definition.keyOf);
    this.#busy = busyBatchesOf(database);
    this.#maxInputs = definition.maxInputs ?? DEFAULT_MAX_INPUTS;
  }

  ask(input: Input, context: CallContext): Promise<Row[]> {
    context.deadline.throwIfEnded();
    if (this.#queue.length >= MAX_WAITING || this.#expectedMs() > context.deadline.remainingMs()) {
      return Promise.reject(this.#refuse([input]));
    }
    const answer = this.#queue.add(input, context, this.#clock.monotonicMs());
    this.#busy.add(this);
    this.#leaveSoon();
    return context.trace === undefined ? answer : this.#trace(answer, input, context.trace);
  }

  /** The caller's own step in its trace, with the wait for the batch: the statement itself belongs to many. */
  async #trace(answer: Promise<Row[]>, input: Input, trace: Span): Promise<Row[]> {
    const name = this.#nameOf([input]);
    if (name === undefined) return answer;
    const span = trace.start(name, { 'db.system.name': 'postgresql' });
    let isFailed = true;
    try {
      const rows = await answer;
      isFailed = false;
      return rows;
    } finally {
      span.end({ isFailed });
    }
  }

  /** How many batches of this statement may be under way: its part of all. */
  get #slots(): number {
    return Math.min(MAX_IN_FLIGHT, Math.ceil(MAX_IN_FLIGHT_OF_ALL / Math.max(1, this.#busy.size)));
  }

  /** How long a call that comes now will take, going by those before it. */
  #expectedMs(): number {
    const rounds = Math.floor(this.#queue.length / this.#maxInputs / this.#slots);
    return this.#queue.length === 0 ? 0 : this.#typicalMs * (rounds + 1);
  }

  #leaveSoon(): void {
    if (this.#queue.length === 0 || this.#leaving || (this.#spacing !== undefined && this.#inFlight > 0)) return;
    // The last one is back: the next need not be held apart any more.
    clearTimeout(this.#spacing);
    if (this.#inFlight >= this.#slots) {
      this.#waitCheck ??= setTimeout(() => this.#refuseOverdue(), WAIT_CHECK_MS).unref();
      return;
    }
    const leave = (): void => {
      this.#leaving = false;
      this.#spacing = undefined;
      this.#leave();
    };
    const restMs = this.#spacingRestMs();
    this.#leaving = restMs < 1;
    this.#spacing = this.#leaving ? undefined : setTimeout(leave, restMs);
    if (this.#leaving) setImmediate(leave);
  }

  /**
   * How long until the next batch should leave, in milliseconds, so that batches leave evenly over a statement's time.
   * Without this, callers that were answered together ask together, take all slots with small batches at once, and the
   * rest of them wait a whole round trip: measured at 100 ms, the median is 2.25 round trips then.
   */
  #spacingRestMs(): number {
    return this.#inFlight === 0 ? 0 : this.#nextDueMs - this.#clock.monotonicMs();
  }

  /**
   * Counted from when a batch was due, not from when it left: a late timer must not make the next one later too. From when it
   * left, if it did so before it was due: else the time that is gained so would add up, to seconds, and be waited for in the end.
   */
  #scheduleNext(nowMs: number): void {
    const spacingMs = Math.min(Math.max(this.#typicalMs / this.#slots, MIN_SPACING_MS), MAX_SPACING_MS);
    const fromMs = Math.min(Math.max(this.#nextDueMs, nowMs - spacingMs), nowMs);
    this.#nextDueMs = fromMs + spacingMs;
  }

  /**
   * How many inputs the next batch takes: its even share of all that wait or are under way, so that callers who were
   * answered together are spread over the batches, and do not come round together for ever.
   */
  #share(): number {
    const share = Math.ceil((this.#queue.length + this.#inputsInFlight) / this.#slots);
    return Math.min(Math.max(share, MIN_SHARE), this.#maxInputs);
  }

  /** Leaves its part to the other statements until somebody asks again. */
  #restIfIdle(): void {
    if (this.#inFlight === 0 && this.#queue.length === 0) this.#busy.delete(this);
  }

  #refuseOverdue(): void {
    this.#waitCheck = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const call of this.#queue.takeOlderThan(nowMs - MAX_WAIT_MS)) {
      call.leftMs = nowMs;
      call.fail(this.#refuse([call.input]), new Timings());
    }
    this.#leaveSoon();
  }

  #refuse(inputs: readonly Input[]): AppError {
    const name = this.#nameOf(inputs);
    if (name !== undefined) this.#onRefused?.(name);
    return postgresErrors.raise.overloaded();
  }

  /** The statement's name; undefined when it cannot be written, of which `#run` tells the callers. */
  #nameOf(inputs: readonly Input[]): string | undefined {
    try {
      return this.#definition.statement(inputs).name;
    } catch {
      return undefined;
    }
  }

  #leave(): void {
    const calls = this.#queue.take(this.#share());
    const [first] = calls;
    if (first === undefined) {
      this.#restIfIdle();
      return;
    }
    this.#inFlight++;
    this.#inputsInFlight += calls.length;
    const leftMs = this.#clock.monotonicMs();
    for (const call of calls) call.leftMs = leftMs;
    this.#scheduleNext(leftMs);
    const waitMs = leftMs - first.askedMs;
    void this.#run(calls).then((name) => {
      this.#inFlight--;
      this.#inputsInFlight -= calls.length;
      const tookMs = this.#clock.monotonicMs() - leftMs;
      this.#typicalMs = this.#typicalMs === 0 ? tookMs : this.#typicalMs * 0.8 + tookMs * 0.2;
      if (name !== undefined) this.#observe?.({ name, inputs: calls.length, waitMs });
      this.#restIfIdle();
      this.#leaveSoon();
    });
    // More may be waiting than one batch takes.
    this.#leaveSoon();
  }

  /** Never rejects: what goes wrong is told to the callers. Answers the statement's name, if it could be written. */
  async #run(calls: readonly BatchCall<Input, Row>[]): Promise<string | undefined> {
    let statement: Statement<Row> | undefined;
    const timings = new Timings();
    const longestMs = Math.max(...calls.map((call) => call.remainingMs()));
    const deadline = Deadline.after(longestMs + LATER_MS, this.#clock);
    whenAllGaveUp(calls, (reason) => deadline.cancel(reason));
    try {
      statement = this.#definition.statement(calls.map((call) => call.input));
      const context = { deadline, timings, requestId: newId() };
      const rows = await this.#database.query({ ...statement, sharedBy: this.#busy.size }, context);
      const groups = Map.groupBy(rows, (row) => row.i);
      for (const [index, call] of calls.entries()) call.answer(groups.get(index + 1) ?? [], timings);
    } catch (error) {
      const isNothingDone = statement === undefined || isRefused(error);
      if (isNothingDone && calls.length > 1) await this.#runHalves(calls);
      else for (const call of calls) call.fail(error, timings);
    } finally {
      deadline.end();
    }
    return statement?.name;
  }

  async #runHalves(calls: readonly BatchCall<Input, Row>[]): Promise<void> {
    const middle = Math.ceil(calls.length / 2);
    for (const half of [calls.slice(0, middle), calls.slice(middle)]) {
      // The one at fault may have given up meanwhile: also a caller that is left alone is tried again.
      const waiting = half.filter((call) => !call.isSettled);
      if (waiting.length > 0) await this.#run(waiting);
    }
  }
}

function whenAllGaveUp(calls: readonly Pick<BatchCall<unknown, unknown>, 'onGiveUp'>[], then: EndListener): void {
  let waiting = calls.length;
  for (const call of calls) {
    call.onGiveUp = (reason) => {
      waiting--;
      if (waiting === 0) then(reason);
    };
  }
}
