import type { Clock } from '../../base/time.ts';
import type { BreakerState } from './guard-database.ts';

/** How a breaker behaves. */
export interface CircuitBreakerOptions {
  readonly clock: Clock;
  /**
   * How long it may stay open before the next call is let through, in milliseconds. It begins with a second and doubles
   * with each call that fails then. A second where there is nothing else to ask, so that healing is noticed at once; more
   * where callers are served elsewhere meanwhile, and each one let through is one who waits.
   */
  readonly maxOpenMs: number;
  /** Told of each change of state, for the log and metrics. */
  readonly observe?: (state: BreakerState) => void;
}

/** One call that was let through. The first of these that is called counts; none, and another call is let through a second later. */
export interface Permit {
  succeeded(): void;
  failed(): void;
  /** Nobody knows how it would have gone: the caller left. */
  dropped(): void;
}

/** So many failures without a success between them open it. Fewer would open on a hiccup; more keep callers waiting. */
const FAILURES_TO_OPEN = 5;

const FIRST_OPEN_MS = 1_000;

/**
 * Whether a dependency is worth asking, going by those who asked.
 *
 * Closed, calls are let through, and failures in a row are counted; the fifth opens it. Open, calls are refused until its
 * time has passed; then one is let through and it is half-open. That one's success closes it, its failure opens it again
 * for longer. While it lasts all others are refused, but after a second another one is let through, so that one that
 * hangs does not keep the news of healing from everybody. Outcomes of calls from before it was opened or closed are ignored;
 * of those let through since, the first failure opens it again, and any success closes it.
 *
 * Our own, because cockatiel's reads the wall clock, has callers of a half-open one wait for its outcome, and knows no
 * call that ends long after it was known to work, as a stream does.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  #openMs = FIRST_OPEN_MS;
  /** When the next call is let through, on the monotonic clock; of a breaker that is not closed. */
  #nextAtMs = 0;
  /** Counts the closed and the other times. */
  #period = 0;
  /** Counts how often it was opened, again too. */
  #openings = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether a call would be let through now. */
  get wouldLetThrough(): boolean {
    return this.#state === 'closed' || this.#options.clock.monotonicMs() >= this.#nextAtMs;
  }

  /** Lets a call through, or refuses it: undefined. */
  tryEnter(): Permit | undefined {
    if (!this.wouldLetThrough) return undefined;
    if (this.#state !== 'closed') {
      this.#nextAtMs = this.#options.clock.monotonicMs() + FIRST_OPEN_MS;
      this.#change('half-open');
    }
    const [period, openings] = [this.#period, this.#openings];
    let isTold = false;
    const once = (tell: () => void) => () => {
      if (!isTold && period === this.#period) tell();
      isTold = true;
    };
    // Those let through while another one hung fail for the same reason as it, one after the other.
    const unlessReopened = (tell: () => void) => () => {
      if (openings === this.#openings) tell();
    };
    return {
      succeeded: once(this.#onSuccess),
      failed: once(unlessReopened(this.#onFailure)),
      dropped: once(unlessReopened(this.#onDropped)),
    };
  }

  readonly #onSuccess = (): void => {
    this.#failures = 0;
    if (this.#state === 'closed') return;
    this.#openMs = FIRST_OPEN_MS;
    this.#period++;
    this.#change('closed');
  };

  readonly #onFailure = (): void => {
    const wasClosed = this.#state === 'closed';
    if (wasClosed && ++this.#failures < FAILURES_TO_OPEN) return;
    if (wasClosed) this.#period++;
    else this.#openMs = Math.min(this.#openMs * 2, this.#options.maxOpenMs);
    this.#openings++;
    this.#nextAtMs = this.#options.clock.monotonicMs() + this.#openMs;
    this.#change('open');
  };

  readonly #onDropped = (): void => {
    if (this.#state !== 'half-open') return;
    this.#nextAtMs = this.#options.clock.monotonicMs();
    this.#change('open');
  };

  #change(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.observe?.(state);
  }
}
