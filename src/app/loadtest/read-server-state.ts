import type { ServerState } from './measurements.ts';

/** Answers in less than this, or the plots have a gap. */
const HEALTH_WAIT_MS = 900;

/** What the server says of its pool and cache; undefined when it does not answer in time. */
export async function readServerState(url: URL): Promise<ServerState | undefined> {
  try {
    const answer = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(HEALTH_WAIT_MS) });
    const { database, cache } = (await answer.json()) as {
      database: { pool: Record<'size' | 'checked_out' | 'waiting', number> };
      cache: { hit_rate: number };
    };
    const { pool } = database;
    return {
      poolInUse: pool.checked_out,
      poolWaiting: pool.waiting,
      poolSize: pool.size,
      cacheHitRate: cache.hit_rate,
    };
  } catch {
    // A server under too much load to say how it is: the plot shows that it did not.
    return undefined;
  }
}
