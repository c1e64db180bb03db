import type { Clock } from '../../base/time.ts';

/**
 * How long after the first request of a turn of the event loop another may begin, in milliseconds. All that a turn finds has
 * been there since its start: what is reached later has waited so long already, and what was begun before it is still to be
 * done. Less would refuse requests after a pause that garbage collection makes; more would let a crowd keep all that was
 * begun from its answers, until nothing is answered in time: measured with 10,000 clients, a tenth of what the server can do.
 */
const LATEST_BEGIN_MS = 250;

/** Knows how far into a turn of the event loop it is. Costs nothing while no request comes. */
export class TurnWatch {
  readonly #clock: Clock;
  #startedMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a request that is reached now has waited too long for the others of its turn to be worth beginning. */
  isLate(): boolean {
    if (this.#startedMs === undefined) {
      this.#startedMs = this.#clock.monotonicMs();
      setImmediate(() => {
        this.#startedMs = undefined;
      });
      return false;
    }
    return this.#clock.monotonicMs() - this.#startedMs > LATEST_BEGIN_MS;
  }
}
