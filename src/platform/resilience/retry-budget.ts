import type { Clock } from '../../base/time.ts';

/** Retries per call. More makes an overloaded dependency's trouble worse; fewer hardly helps in a hiccup. */
const RATIO = 0.2;

/** So many retries are granted without any traffic to measure them by, or a quiet server would never retry. */
const QUIET_RETRIES = 10;

/** Counts are halved so often, so that traffic of long ago does not pay for retries of now. */
const HALF_LIFE_MS = 10_000;

/**
 * Bounds retries to a fifth of the calls, lately. Retries that are not bounded multiply the load of a dependency exactly
 * when it fails. The idea is that of Finagle's retry budget.
 */
export class RetryBudget {
  readonly #clock: Clock;
  #calls = 0;
  #retries = 0;
  #halvedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#halvedAtMs = clock.monotonicMs();
  }

  /** A call is made that is no retry. */
  noteCall(): void {
    this.#age();
    this.#calls++;
  }

  /** Takes a retry out of the budget, if there is one left. */
  tryTake(): boolean {
    this.#age();
    if (this.#retries + 1 > Math.max(QUIET_RETRIES, this.#calls * RATIO)) return false;
    this.#retries++;
    return true;
  }

  #age(): void {
    const halvings = Math.floor((this.#clock.monotonicMs() - this.#halvedAtMs) / HALF_LIFE_MS);
    if (halvings <= 0) return;
    this.#halvedAtMs += halvings * HALF_LIFE_MS;
    this.#calls /= 2 ** halvings;
    this.#retries /= 2 ** halvings;
  }
}
