import type { LoadResult } from './plan.ts';

/** Gathers how long answers took and what went wrong. Keeps every time: a million of them are 8 MB. */
export class LatencyRecord {
  readonly #timesMs: number[] = [];
  readonly #errors: Record<string, number> = {};

  add(timeMs: number): void {
    this.#timesMs.push(timeMs);
  }

  addError(what: string): void {
    this.#errors[what] = (this.#errors[what] ?? 0) + 1;
  }

  /** What it comes to, over so long a time of measuring. */
  summarize(measureMs: number): LoadResult {
    const sorted = Float64Array.from(this.#timesMs).sort();
    // The nearest rank: the smallest time that so large a share of all does not exceed.
    const percentile = (share: number): number =>
      sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    return {
      answerCount: sorted.length,
      answersPerSecond: sorted.length / (measureMs / 1000),
      errors: this.#errors,
      latencyMs: { p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99) },
    };
  }
}
