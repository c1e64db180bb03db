import { type Clock, systemClock } from './time.ts';

/** Why a deadline ended: its time was up. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  constructor() {
    super('the time budget ended');
  }
}

/** Why a deadline ended: whoever waited has gone away or has what it wanted. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor(reason = 'cancelled') {
    super(reason);
  }
}

/** Called once with the reason when a deadline ends before its work. */
export type EndListener = (reason: Error) => void;

/**
 * The instant at which a piece of work stops being wanted. Passed down as an argument to everything the work calls;
 * ending it cancels all of that. The idea is that of Go's `context`.
 *
 * Every request has one, and most end before anyone asks for the signal: so that is made when it is asked for, and what is
 * ours listens with `onEnded`, which costs a tenth of an event listener.
 *
 * Whoever makes one must `end()` it when the work is done, or its timer runs on (it does not keep the process alive).
 */
export class Deadline {
  /** When the budget ends, on the clock's monotonic scale, in milliseconds. */
  readonly endsAtMs: number;
  readonly #clock: Clock;
  readonly #parent: Deadline | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onParentEnded: EndListener | undefined;
  #listeners: Set<EndListener> | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  private constructor(endsAtMs: number, clock: Clock, parent?: Deadline) {
    this.endsAtMs = endsAtMs;
    this.#clock = clock;
    this.#parent = parent;
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, this.remainingMs())).unref();
    if (parent === undefined) return;
    this.#onParentEnded = (reason) => this.cancel(reason);
    parent.onEnded(this.#onParentEnded);
  }

  /** A deadline `budgetMs` from now. */
  static after(budgetMs: number, clock: Clock = systemClock): Deadline {
    return new Deadline(clock.monotonicMs() + budgetMs, clock);
  }

  /** Why the work is no longer wanted, a DeadlineExceeded or what it was cancelled with; undefined while it is. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Aborts with the reason when the time is up or the work is cancelled. For what takes a signal. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Has a listener called when the work is no longer wanted; at once if it is not already. */
  onEnded(listener: EndListener): void {
    if (this.#reason === undefined) {
      this.#listeners ??= new Set();
      this.#listeners.add(listener);
    } else listener(this.#reason);
  }

  /** Takes a listener away again. */
  offEnded(listener: EndListener): void {
    this.#listeners?.delete(listener);
  }

  /** Milliseconds left; negative once it is over. */
  remainingMs(): number {
    return this.endsAtMs - this.#clock.monotonicMs();
  }

  /** A deadline for one step: at most `budgetMs` from now, never later than this one, cancelled with it. */
  shortenedTo(budgetMs: number): Deadline {
    return new Deadline(Math.min(this.endsAtMs, this.#clock.monotonicMs() + budgetMs), this.#clock, this);
  }

  /** Throws the reason if the work is no longer wanted. */
  throwIfEnded(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** What the work comes to, unless the deadline ends first: then its reason is thrown, and the work goes on. */
  async race<Result>(work: Promise<Result>): Promise<Result> {
    const ended = Promise.withResolvers<never>();
    this.onEnded(ended.reject);
    try {
      return await Promise.race([work, ended.promise]);
    } finally {
      this.offEnded(ended.reject);
    }
  }

  /** Cancels the work below. Does nothing after a first time. */
  cancel(reason: Error = new Cancelled()): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.end();
    this.#controller?.abort(reason);
    for (const listener of this.#listeners ?? []) listener(reason);
    this.#listeners = undefined;
  }

  /** Lets go of the timer and the parent when the work is done; nothing is cancelled. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#onParentEnded !== undefined) this.#parent?.offEnded(this.#onParentEnded);
  }

  /** Timers of the same instant go off in any order: the work above is told first, so that a step never knows it earlier. */
  #expire(): void {
    const isDone = this.#timer === undefined;
    if (isDone) return;
    if (this.#parent !== undefined && this.#parent.endsAtMs <= this.endsAtMs) this.#parent.#expire();
    this.cancel(new DeadlineExceeded());
  }
}
