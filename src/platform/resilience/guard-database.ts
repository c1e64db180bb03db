import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import type { CallContext } from '../../base/call-context.ts';
import { Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import type { Clock } from '../../base/time.ts';
import { Timings } from '../../base/timings.ts';
import type { Logger } from '../log/index.ts';
import { type Database, type Postgres, postgresErrors, type Statement, sqlState } from '../postgres/index.ts';
import { isDatabaseTrouble } from './is-database-trouble.ts';

/** Whether statements pass; `half-open` while an open breaker asks the database for a sign of life. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a database is guarded. */
export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** How long one statement may take, the wait for a connection included: 2,000. */
  readonly statementBudgetMs?: number;
  /** Told of each change of state, for metrics. */
  readonly observe?: (state: BreakerState) => void;
}

/** A database that answers in time, if only to say that it cannot. */
export interface GuardedDatabase extends Database {
  state(): BreakerState;
  /** Stops asking for signs of life; to be called before the pool is closed. */
  close(): void;
}

/** The parts of the pool that the guard uses. */
type GuardedPart = Pick<Postgres, 'query' | 'ping' | 'refresh'>;

/**
 * So many failures without a success between them make the guard ask for a sign of life. Fewer would ask on every hiccup;
 * more would keep callers of a quiet server waiting longer for the same news.
 */
const SUSPICIOUS_FAILURES = 5;

/** How long a sign of life may take: several round trips to the farthest database that is of use. */
const PROBE_BUDGET_MS = 1_000;

/**
 * Within that time it is asked again on another connection when one was lost, after this pause. When all were ended at
 * once, the first that the pool hands out is often one of those.
 */
const PING_PAUSE_MS = 50;

/** Between two attempts of an open breaker. With the budget of one attempt it is well under the promised two seconds. */
const PROBE_PAUSE_MS = 250;

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
};

/**
 * Puts a time limit and a circuit breaker in front of a database.
 *
 * Closed, statements pass, each with `statementBudgetMs` within its caller's deadline. Failures that may be the database's
 * are counted; a success starts the count anew. When five came in a row, one ping decides: answered, all stays as it
 * is, for it was one slow statement, one lock or lost connections. When within a second neither it was answered nor any
 * statement, the breaker opens. Open, every statement is refused at once, those under way are cancelled, no connection of
 * before is used again, and a ping is tried about once a second, whether or not anyone calls. The first one answered
 * closes the breaker. So no caller's statement is spent on trying, and nobody waits in line for the outcome.
 *
 * Besides what `Database.query` throws: `postgres.timeout` (503) when the statement's own budget ended it, and
 * `postgres.unavailable` (503) while the breaker is open.
 */
export function guardDatabase(database: GuardedPart, options: GuardOptions): GuardedDatabase {
  return new Guard(database, options);
}

class Guard implements GuardedDatabase {
  readonly #database: GuardedPart;
  readonly #options: GuardOptions;
  readonly #statementBudgetMs: number;
  /** Runs the signs of life and nothing else, so one that fails opens it. */
  readonly #breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(1),
    // When to try again is ours to say: cockatiel would read the wall clock, and stay open as long as that is set back.
    halfOpenAfter: Number.NEGATIVE_INFINITY,
  });
  readonly #underWay = new Set<Deadline>();
  readonly #stopped = new AbortController();
  #failures = 0;
  #isProbing = false;
  /** Whether a statement was answered since the latest sign of life was asked for: that is one, too. */
  #hasAnswered = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: GuardedPart, options: GuardOptions) {
    this.#database = database;
    this.#options = options;
    this.#statementBudgetMs = options.statementBudgetMs ?? 2_000;
    this.#breaker.onStateChange((state) => options.observe?.(STATES[state]));
  }

  state(): BreakerState {
    return STATES[this.#breaker.state];
  }

  close(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  async query<Row>(statement: Statement<Row>, context: CallContext): Promise<Row[]> {
    context.deadline.throwIfEnded();
    if (this.#breaker.state !== CircuitState.Closed) throw postgresErrors.raise.unavailable();
    const deadline = context.deadline.shortenedTo(this.#statementBudgetMs);
    this.#underWay.add(deadline);
    try {
      const rows = await this.#database.query(statement, { ...context, deadline });
      this.#onAnswer();
      return rows;
    } catch (thrown) {
      const isOwnBound = thrown instanceof DeadlineExceeded && context.deadline.reason === undefined;
      const error = isOwnBound ? postgresErrors.raise.timeout({ cause: thrown }) : thrown;
      this.#onFailure(error);
      throw error;
    } finally {
      this.#underWay.delete(deadline);
      deadline.end();
    }
  }

  #onAnswer(): void {
    this.#failures = 0;
    this.#hasAnswered = true;
  }

  #onFailure(error: unknown): void {
    if (this.#breaker.state !== CircuitState.Closed) return;
    if (!isDatabaseTrouble(error)) {
      // The server itself refused the statement, so it is there.
      if (sqlState(error) !== undefined) this.#onAnswer();
      return;
    }
    this.#failures++;
    if (this.#failures >= SUSPICIOUS_FAILURES && !this.#isProbing) void this.#probe();
  }

  /** Asks for a sign of life; when there is none, again after a pause, until there is one. Never rejects. */
  async #probe(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const wasClosed = this.#breaker.state === CircuitState.Closed;
    const deadline = Deadline.after(PROBE_BUDGET_MS, this.#options.clock);
    this.#isProbing = true;
    this.#hasAnswered = false;
    try {
      await this.#breaker.execute(() => this.#ping(deadline));
      this.#failures = 0;
      if (!wasClosed) this.#options.log.info('the database answers again');
    } catch (error) {
      if (wasClosed) this.#onOpened(error);
      this.#timer = setTimeout(() => void this.#probe(), PROBE_PAUSE_MS).unref();
    } finally {
      this.#isProbing = false;
      deadline.end();
    }
  }

  async #ping(deadline: Deadline): Promise<void> {
    const context = { deadline, timings: new Timings(), requestId: newId() };
    for (;;) {
      try {
        await this.#database.ping(context);
        return;
      } catch (error) {
        if (this.#hasAnswered) return;
        if (deadline.remainingMs() < PING_PAUSE_MS) throw error;
      }
      await sleep(PING_PAUSE_MS);
    }
  }

  #onOpened(error: unknown): void {
    this.#options.log.warn({ err: error }, 'the database does not answer: statements are refused until it does');
    // Each that the network has forgotten would cost one sign of life.
    this.#database.refresh();
    // What waits for a database that is gone is told so now, not at the end of its own budget. It was not refused itself.
    const cause = new Error('the database gave no sign of life', { cause: error });
    for (const deadline of this.#underWay) deadline.cancel(postgresErrors.raise.unavailable({ cause }));
  }
}
