import { type Clock, systemClock } from './time.ts';

/** Why a deadline's signal aborted: its time was up. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  constructor() {
    super('the time budget ended');
  }
}

/** Why a deadline's signal aborted: whoever waited has gone away or has what it wanted. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  constructor(reason = 'cancelled') {
    super(reason);
  }
}

/**
 * The instant at which a piece of work stops being wanted, and the signal that says so. Passed down as an argument to
 * everything the work calls; ending it cancels all of that. The idea is that of Go's `context`.
 *
 * Whoever makes one must `end()` it when the work is done, or its timer runs on (it does not keep the process alive).
 */
export class Deadline {
  /** When the budget ends, on the clock's monotonic scale, in milliseconds. */
  readonly endsAtMs: number;
  readonly #clock: Clock;
  readonly #parent: Deadline | undefined;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  private constructor(endsAtMs: number, clock: Clock, parent?: Deadline) {
    this.endsAtMs = endsAtMs;
    this.#clock = clock;
    this.#parent = parent;
    this.#timer = setTimeout(() => this.cancel(new DeadlineExceeded()), Math.max(0, this.remainingMs()));
    this.#timer.unref();
    if (parent?.signal.aborted) this.#onParentEnded();
    else parent?.signal.addEventListener('abort', this.#onParentEnded, { once: true });
  }

  readonly #onParentEnded = (): void => this.cancel(this.#parent?.signal.reason);

  /** A deadline `budgetMs` from now. */
  static after(budgetMs: number, clock: Clock = systemClock): Deadline {
    return new Deadline(clock.monotonicMs() + budgetMs, clock);
  }

  /** Aborts when the time is up or the work is cancelled; its `reason` is a DeadlineExceeded or a Cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
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
    this.signal.throwIfAborted();
  }

  /** Cancels the work below. Does nothing after `end()` or a first cancel. */
  cancel(reason: Error = new Cancelled()): void {
    this.#release();
    this.#controller.abort(reason);
  }

  /** Lets go of the timer and the parent when the work is done; nothing is cancelled. */
  end(): void {
    this.#release();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#parent?.signal.removeEventListener('abort', this.#onParentEnded);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
