/** A duration to a tenth of a millisecond: finer is noise. */
export const toTenths = (durationMs: number): number => Math.round(durationMs * 10) / 10;

/**
 * Where the time of one request went, step by step; becomes its `Server-Timing` header and its log line. A step that
 * happens twice is summed. There are a few: an array of them costs a request a fraction of a map.
 */
export class Timings {
  readonly #steps: { readonly name: string; durationMs: number }[] = [];

  /** Adds a duration in milliseconds to a step. Step names are short tokens: `auth`, `pool`, `sql`, `model`. */
  add(name: string, durationMs: number): void {
    for (const step of this.#steps) {
      if (step.name !== name) continue;
      step.durationMs += durationMs;
      return;
    }
    this.#steps.push({ name, durationMs });
  }

  /** Adds the steps of another. */
  addAll(other: Timings): void {
    for (const { name, durationMs } of other.#steps) this.add(name, durationMs);
  }

  /** The steps so far, in the order in which they were first added, in milliseconds to a tenth. */
  rounded(): Record<string, number> {
    const steps: Record<string, number> = {};
    for (const { name, durationMs } of this.#steps) steps[name] = toTenths(durationMs);
    return steps;
  }

  /** As a `Server-Timing` value: `auth;dur=0.1, sql;dur=103`. Empty when no step was taken. */
  toHeader(): string {
    let header = '';
    for (const { name, durationMs } of this.#steps)
      header += `${header === '' ? '' : ', '}${name};dur=${toTenths(durationMs)}`;
    return header;
  }
}
