import type { CallContext } from '../../base/call-context.ts';
import type { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { type Database, postgresErrors, type Statement } from '../postgres/index.ts';

/** How many of one statement may run at once, and how long the others wait. */
export interface LimitOptions {
  readonly clock: Clock;
  /** How many of one statement may be under way. */
  readonly maxInFlight: number;
  /** How long a caller waits for its turn; as long as for a connection. */
  readonly waitMs: number;
  /** Told of each caller that is refused, with the statement's name. */
  readonly onRefused?: (name: string) => void;
}

/**
 * Keeps one slow or locked statement from taking every connection: of each statement, by its name, so many are under way
 * and the others wait in its own line. Who would wait longer than `waitMs` or than its own deadline, going by how long the
 * statement has taken lately, is refused at once: it would only make the line longer for those behind it. Statements that share
 * connections (`sharedBy`) keep to their part of them by that, and pass.
 *
 * Besides what `Database.query` throws: `postgres.overloaded` (503) for who is refused or has waited `waitMs`.
 */
export function limitPerStatement(database: Database, options: LimitOptions): Database {
  const lanes = new Map<string, Lane>();
  return {
    async query<Row>(statement: Statement<Row>, context: CallContext): Promise<Row[]> {
      if (statement.sharedBy !== undefined) return database.query(statement, context);
      let lane = lanes.get(statement.name);
      if (lane === undefined) {
        lane = new Lane(options, statement.name);
        lanes.set(statement.name, lane);
      }
      const { clock } = options;
      const askedMs = clock.monotonicMs();
      if (!lane.tryEnter())
        await lane.wait(context).finally(() => context.timings.add('pool', clock.monotonicMs() - askedMs));
      const enteredMs = clock.monotonicMs();
      try {
        return await database.query(statement, context);
      } finally {
        lane.leave(clock.monotonicMs() - enteredMs);
      }
    },
  };
}

/** The line of one statement. */
class Lane {
  readonly #options: LimitOptions;
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  #inFlight = 0;
  /** How long the statement takes, in milliseconds, smoothed. */
  #typicalMs = 0;

  constructor(options: LimitOptions, name: string) {
    this.#options = options;
    this.#name = name;
  }

  /** Takes a place, if one is free. */
  tryEnter(): boolean {
    if (this.#inFlight >= this.#options.maxInFlight) return false;
    this.#inFlight++;
    return true;
  }

  /** Waits for a place and takes it. */
  wait({ deadline }: CallContext): Promise<void> {
    const { maxInFlight, waitMs } = this.#options;
    const expectedMs = (this.#typicalMs * this.#waiting.size) / maxInFlight;
    if (expectedMs > Math.min(waitMs, deadline.remainingMs())) return Promise.reject(this.#refuse());
    return new Promise((resolve, reject) => {
      const step = (): void => {
        clearTimeout(timer);
        deadline.signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(serve);
      };
      const serve = (): void => {
        step();
        resolve();
      };
      const onAbort = (): void => {
        step();
        reject(deadline.signal.reason);
      };
      const timer = setTimeout(() => {
        step();
        reject(this.#refuse());
      }, waitMs);
      deadline.signal.addEventListener('abort', onAbort);
      this.#waiting.add(serve);
    });
  }

  #refuse(): AppError {
    this.#options.onRefused?.(this.#name);
    return postgresErrors.raise.overloaded();
  }

  /** Gives the place to the first in line, or free. */
  leave(tookMs: number): void {
    this.#typicalMs = this.#typicalMs === 0 ? tookMs : this.#typicalMs * 0.8 + tookMs * 0.2;
    const [next] = this.#waiting;
    if (next === undefined) this.#inFlight--;
    else next();
  }
}
