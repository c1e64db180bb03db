/**
 * Where the time of one request went, step by step; becomes its `Server-Timing` header and its log line. A step that
 * happens twice is summed.
 */
export class Timings {
  readonly #steps = new Map<string, number>();

  /** Adds a duration in milliseconds to a step. Step names are short tokens: `auth`, `pool`, `sql`, `model`. */
  add(step: string, durationMs: number): void {
    this.#steps.set(step, (this.#steps.get(step) ?? 0) + durationMs);
  }

  /** The steps so far, in the order in which they were first added, in milliseconds. */
  entries(): IterableIterator<[string, number]> {
    return this.#steps.entries();
  }

  /** As a `Server-Timing` value: `auth;dur=0.1, sql;dur=103`. Empty when no step was taken. */
  toHeader(): string {
    const parts: string[] = [];
    for (const [step, durationMs] of this.#steps) parts.push(`${step};dur=${Math.round(durationMs * 10) / 10}`);
    return parts.join(', ');
  }
}
