/** A length of time for which things are counted. Windows begin at the same instants on every server, in UTC. */
export interface Window {
  readonly name: string;
  readonly durationMs: number;
}

/** How many are let through in each window. */
export interface LimitRule {
  readonly window: Window;
  readonly limit: number;
}
