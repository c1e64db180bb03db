import type { CallContext } from '../../base/call-context.ts';
import type { EndListener } from '../../base/deadline.ts';
import type { Timings } from '../../base/timings.ts';

/** Somebody who waits for the answer to an input. */
interface Waiter<Row> {
  readonly context: CallContext;
  readonly askedMs: number;
  readonly resolve: (rows: Row[]) => void;
  readonly reject: (error: unknown) => void;
  readonly onEnded: EndListener;
}

/** One input of a batch, with those who wait for its answer: usually one. */
export class BatchCall<Input, Row> {
  readonly input: Input;
  /** What it asks for, where callers who ask for the same share it. */
  readonly key: string | undefined;
  /** When the first of them asked, on the monotonic clock. */
  readonly askedMs: number;
  /** When it left the queue, on the monotonic clock. */
  leftMs: number | undefined;
  /** Called when the last of them gives up, while the batch is under way, with the reason of that one. */
  onGiveUp: EndListener | undefined;
  readonly #waiters = new Set<Waiter<Row>>();

  constructor(input: Input, key: string | undefined, askedMs: number) {
    this.input = input;
    this.key = key;
    this.askedMs = askedMs;
  }

  /** Whether nobody waits for it any more. */
  get isSettled(): boolean {
    return this.#waiters.size === 0;
  }

  /** How long the most patient of them waits, in milliseconds. */
  remainingMs(): number {
    let longestMs = 0;
    for (const { context } of this.#waiters) longestMs = Math.max(longestMs, context.deadline.remainingMs());
    return longestMs;
  }

  /** Lets one more wait for the answer. It is told at once when its deadline ends. */
  join(context: CallContext, askedMs: number): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      const onEnded = (reason: Error): void => {
        this.#waiters.delete(waiter);
        reject(reason);
        if (this.isSettled) this.onGiveUp?.(reason);
      };
      const waiter: Waiter<Row> = { context, askedMs, resolve, reject, onEnded };
      context.deadline.onEnded(onEnded);
      this.#waiters.add(waiter);
    });
  }

  /** Gives everyone the rows, and notes what the wait for the batch and its steps took. */
  answer(rows: Row[], timings: Timings): void {
    for (const waiter of this.#settle(timings)) waiter.resolve(rows);
  }

  /** Gives everyone the error. */
  fail(error: unknown, timings: Timings): void {
    for (const waiter of this.#settle(timings)) waiter.reject(error);
  }

  #settle(timings: Timings): Waiter<Row>[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { context, askedMs, onEnded } of waiters) {
      context.deadline.offEnded(onEnded);
      if (this.leftMs !== undefined) context.timings.add('queue', this.leftMs - askedMs);
      context.timings.addAll(timings);
    }
    return waiters;
  }
}

/** The inputs that wait for the next batch, oldest first. */
export class BatchQueue<Input, Row> {
  readonly #keyOf: ((input: Input) => string) | undefined;
  #calls: BatchCall<Input, Row>[] = [];
  readonly #byKey = new Map<string, BatchCall<Input, Row>>();

  constructor(keyOf: ((input: Input) => string) | undefined) {
    this.#keyOf = keyOf;
  }

  get length(): number {
    return this.#calls.length;
  }

  /**
   * Puts an input in the queue, or joins one of the same key that still waits. One that has left already is not joined:
   * it may have read before something that this caller has written since.
   */
  add(input: Input, context: CallContext, nowMs: number): Promise<Row[]> {
    const key = this.#keyOf?.(input);
    const same = key === undefined ? undefined : this.#byKey.get(key);
    if (same !== undefined) return same.join(context, nowMs);
    const call = new BatchCall<Input, Row>(input, key, nowMs);
    this.#calls.push(call);
    if (key !== undefined) this.#byKey.set(key, call);
    return call.join(context, nowMs);
  }

  /** Takes out the oldest inputs, at most `count`, leaving out those that nobody waits for any more. */
  take(count: number): BatchCall<Input, Row>[] {
    const taken: BatchCall<Input, Row>[] = [];
    const rest: BatchCall<Input, Row>[] = [];
    for (const call of this.#calls) {
      if (call.isSettled) this.#forget(call);
      else if (taken.length < count) taken.push(call);
      else rest.push(call);
    }
    for (const call of taken) this.#forget(call);
    this.#calls = rest;
    return taken;
  }

  /** Takes out the inputs that were first asked for before this time. */
  takeOlderThan(timeMs: number): BatchCall<Input, Row>[] {
    const firstYoung = this.#calls.findIndex((call) => call.askedMs >= timeMs);
    const old = firstYoung === -1 ? this.#calls : this.#calls.slice(0, firstYoung);
    for (const call of old) this.#forget(call);
    this.#calls = this.#calls.slice(old.length);
    return old;
  }

  /** Lets nobody join it any more. */
  #forget({ key }: BatchCall<Input, Row>): void {
    if (key !== undefined) this.#byKey.delete(key);
  }
}
