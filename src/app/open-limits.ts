import type { Clock } from '../base/time.ts';
import { createRequestLimits, type Plans, type RequestLimits } from '../core/plans/index.ts';
import { Limiter } from '../platform/limits/index.ts';
import type { Redis } from '../platform/redis/index.ts';

/** What the limits are put together from. */
export interface LimitsParts {
  readonly plans: Plans;
  /** Shared by all servers, where it is configured. */
  readonly redis: Redis | undefined;
  readonly clock: Clock;
}

/** What counts against the plans. */
export interface Limits {
  readonly limiter: Limiter;
  readonly requests: RequestLimits;
  close(): Promise<void>;
}

/** Begins to count. */
export function openLimits({ plans, redis, clock }: LimitsParts): Limits {
  const limiter = new Limiter({ redis, clock });
  limiter.start();
  return { limiter, requests: createRequestLimits({ limiter, plans }), close: () => limiter.stop() };
}
