import { DAY_MS } from '../../base/days.ts';

/** A length of time for which things are counted. Windows begin at the same instants on every server, in UTC. */
export interface Window {
  readonly name: string;
  readonly durationMs: number;
}

/** Those that the product counts in. */
export const windows = {
  minute: { name: 'minute', durationMs: 60_000 },
  hour: { name: 'hour', durationMs: 3_600_000 },
  day: { name: 'day', durationMs: DAY_MS },
} as const satisfies Readonly<Record<string, Window>>;

/** How many are let through in each window. */
export interface LimitRule {
  readonly window: Window;
  readonly limit: number;
}
