import type { CallContext } from '../../base/call-context.ts';
import type { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { type Database, postgresErrors, type Statement } from '../postgres/index.ts';

/** How many statements may run at once, and how long the others wait. */
export interface LimitOptions {
  readonly clock: Clock;
  /** How many may be under way, of all names together; beside the first of each name. */
  readonly maxInFlight: number;
  /** How long a caller waits for its turn; as long as for a connection. */
  readonly waitMs: number;
  /** Told of each caller that is refused, with the statement's name. */
  readonly onRefused?: ((name: string) => void) | undefined;
}

/**
 * Keeps slow or locked statements from taking every connection: so many are under way, and the others wait, those of each name
 * in a line of their own. A place that comes free goes to the name that has the fewest, and a name that has none does not wait:
 * so those that hang come to have equal parts, however many they are, and the others go on. Who would wait longer than `waitMs`
 * or than its own deadline, going by how long the statement has taken lately, is refused at once: it would only make the line
 * longer for those behind it. Statements that share connections (`sharedBy`) keep to their part of them by that, and pass.
 *
 * Besides what `Database.query` throws: `postgres.overloaded` (503) for who is refused or has waited `waitMs`.
 */
export function limitPerStatement(database: Database, options: LimitOptions): Database {
  const lanes = new Lanes(options);
  return {
    async query<Row>(statement: Statement<Row>, context: CallContext): Promise<Row[]> {
      if (statement.sharedBy !== undefined) return database.query(statement, context);
      const lane = lanes.laneOf(statement.name);
      const { clock } = options;
      const askedMs = clock.monotonicMs();
      if (!lanes.tryEnter(lane))
        await lane.wait(context).finally(() => context.timings.add('pool', clock.monotonicMs() - askedMs));
      const enteredMs = clock.monotonicMs();
      try {
        return await database.query(statement, context);
      } finally {
        lanes.leave(lane, clock.monotonicMs() - enteredMs);
      }
    },
  };
}

/** The lines of all statements, and the places that they have between them. */
class Lanes {
  readonly #options: LimitOptions;
  readonly #lanes = new Map<string, Lane>();
  #inFlight = 0;

  constructor(options: LimitOptions) {
    this.#options = options;
  }

  laneOf(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = new Lane(this.#options, name);
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** Takes a place, if the statement may have one. */
  tryEnter(lane: Lane): boolean {
    if (this.#inFlight >= this.#options.maxInFlight && lane.inFlight > 0) return false;
    this.#inFlight++;
    lane.inFlight++;
    return true;
  }

  /** Gives a place back, and to the first in the line of the statement that has the fewest. */
  leave(lane: Lane, tookMs: number): void {
    this.#inFlight--;
    lane.inFlight--;
    lane.learn(tookMs);
    let next: Lane | undefined;
    for (const each of this.#lanes.values()) {
      if (each.isWaiting && each.inFlight < (next?.inFlight ?? Number.POSITIVE_INFINITY)) next = each;
    }
    if (next !== undefined && this.tryEnter(next)) next.serveFirst();
  }
}

/** The line of one statement. */
class Lane {
  readonly #options: LimitOptions;
  readonly #name: string;
  readonly #waiting = new Set<() => void>();
  /** How many are under way. */
  inFlight = 0;
  /** How long the statement takes, in milliseconds, smoothed. */
  #typicalMs = 0;

  constructor(options: LimitOptions, name: string) {
    this.#options = options;
    this.#name = name;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Waits until a place was taken for it. */
  wait({ deadline }: CallContext): Promise<void> {
    const { waitMs } = this.#options;
    const expectedMs = (this.#typicalMs * this.#waiting.size) / Math.max(1, this.inFlight);
    if (expectedMs > Math.min(waitMs, deadline.remainingMs())) return Promise.reject(this.#refuse());
    return new Promise((resolve, reject) => {
      const step = (): void => {
        clearTimeout(timer);
        deadline.offEnded(onEnded);
        this.#waiting.delete(serve);
      };
      const serve = (): void => {
        step();
        resolve();
      };
      const onEnded = (reason: Error): void => {
        step();
        reject(reason);
      };
      const timer = setTimeout(() => {
        step();
        reject(this.#refuse());
      }, waitMs);
      this.#waiting.add(serve);
      deadline.onEnded(onEnded);
    });
  }

  #refuse(): AppError {
    this.#options.onRefused?.(this.#name);
    return postgresErrors.raise.overloaded();
  }

  /** Takes in how long one of them took. */
  learn(tookMs: number): void {
    this.#typicalMs = this.#typicalMs === 0 ? tookMs : this.#typicalMs * 0.8 + tookMs * 0.2;
  }

  serveFirst(): void {
    const [first] = this.#waiting;
    first?.();
  }
}
