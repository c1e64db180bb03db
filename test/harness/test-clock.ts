import type { Clock } from '../../src/base/time.ts';

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  #elapsedMs = 0;

  now(): Date {
    return new Date(this.#elapsedMs);
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  advance(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }
}
