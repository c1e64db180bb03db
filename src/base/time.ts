/** Where code that depends on the time gets it from, so that a test can move it. */
export interface Clock {
  /** Wall-clock time: what is shown and stored. */
  now(): Date;
  /** Milliseconds that only ever grow, from an arbitrary start: what durations and deadlines are counted in. */
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
