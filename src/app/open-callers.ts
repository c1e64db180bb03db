import type { Clock } from '../base/time.ts';
import type { CallerCache } from '../core/accounts/index.ts';
import { createCallerCache, watchUsers } from '../core/keys/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import type { Redis } from '../platform/redis/index.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';

/** What the cache of callers is put together from. */
export interface CallersParts {
  readonly database: Database;
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  /** Shared by all servers, where it is configured. */
  readonly redis: Redis | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ServerMetrics;
}

/** The cache of callers with what it listens to and shares. */
export interface Callers {
  readonly cache: CallerCache;
  /** What is amiss with it, in public words. Requests are served all the same. */
  findTrouble(): Promise<string[]>;
  close(): Promise<void>;
}

const REDIS_AWAY = 'Redis does not answer: what it holds for all servers, each has for itself.';
const NOT_HEARING = 'Changes of users are not heard of: each request asks the database who is calling.';

/** Opens the cache of callers, and has it hear of what other servers change. */
export function openCallers(config: Config, parts: CallersParts): Callers {
  const { database, directUrl, redis, clock, log, metrics } = parts;
  const { cache: isOn, ttlSeconds, graceSeconds } = config.callers;
  const cache = createCallerCache({
    database,
    observers: metrics.statements.batches,
    redis,
    clock,
    lookupBudgetMs: config.http.lookupBudgetMs,
    ttlMs: ttlSeconds * 1000,
    graceMs: graceSeconds * 1000,
    isEnabled: isOn === 'on',
  });
  // Also where nothing is cached: streams, sockets and turns that are open end by what is heard.
  const notifications = watchUsers(cache, { url: directUrl, log });
  return {
    cache,
    async findTrouble() {
      const reasons: string[] = [];
      if (redis !== undefined && !(await redis.ping())) reasons.push(REDIS_AWAY);
      if (!cache.isHearing) reasons.push(NOT_HEARING);
      return reasons;
    },
    close: () => notifications.close(),
  };
}
