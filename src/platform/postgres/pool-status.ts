import type { Logger } from '../log/index.ts';

/** How busy the pool is: under 50, under 80, under 95 percent of its places taken, or more. */
export type PoolHealth = 'HEALTHY' | 'NORMAL' | 'WARNING' | 'CRITICAL';

/** The pool at this moment; all but the last two are numbers of connections or callers. */
export interface PoolStatus {
  /** Connections that are open or being opened. */
  readonly total: number;
  /** Connections that serve a caller or are being opened for one. */
  readonly active: number;
  /** Connections that wait for work. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** Connections that are kept, as configured. */
  // biome-ignore lint/plugin: a number of connections, as everyone who reports on pools calls it.
  readonly size: number;
  /** Connections beyond `size` that are open now; closed soon after use. */
  readonly overflow: number;
  /** `active` as a share of all the connections the pool may open, 0 to 1. */
  readonly utilisation: number;
  readonly status: PoolHealth;
}

// Often enough for an operator, seldom enough for a log.
const SAMPLE_EVERY_MS = 1_000;

/** Names a utilisation between 0 and 1. */
export function poolHealth(utilisation: number): PoolHealth {
  if (utilisation < 0.5) return 'HEALTHY';
  if (utilisation < 0.8) return 'NORMAL';
  if (utilisation < 0.95) return 'WARNING';
  return 'CRITICAL';
}

/** Looks at the pool once a second and logs when its health has changed. Answers how to stop that. */
export function watchPool(read: () => PoolStatus, log: Logger): () => void {
  let last: PoolHealth = 'HEALTHY';
  const timer = setInterval(() => {
    const pool = read();
    if (pool.status === last) return;
    const isBusy = pool.status === 'WARNING' || pool.status === 'CRITICAL';
    log[isBusy ? 'warn' : 'info']({ pool, was: last }, `the database pool is ${pool.status}`);
    last = pool.status;
  }, SAMPLE_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
