/** A length of time for which things are counted. Windows begin at the same instants on every server, in UTC. */
export interface Window {
  readonly name: string;
  readonly durationMs: number;
  /** The window that an instant lies in; both in milliseconds since 1970, the end excluded. */
  spanAt(nowMs: number): Span;
}

/** From when to when one window lasts. */
export interface Span {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/** How many are let through in each window. */
export interface LimitRule {
  readonly window: Window;
  readonly limit: number;
}

/** A window of a fixed length. */
export function windowOf(name: string, durationMs: number): Window {
  return {
    name,
    durationMs,
    spanAt(nowMs) {
      const startsAtMs = Math.floor(nowMs / durationMs) * durationMs;
      return { startsAtMs, endsAtMs: startsAtMs + durationMs };
    },
  };
}
