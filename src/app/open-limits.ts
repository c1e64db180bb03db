import type { Clock } from '../base/time.ts';
import {
  createRequestLimits,
  type Plans,
  type RequestLimits,
  TokenBudget,
  UsageRecorder,
} from '../core/plans/index.ts';
import { Limiter } from '../platform/limits/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import type { Redis } from '../platform/redis/index.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';

/** What the limits are put together from. */
export interface LimitsParts {
  readonly plans: Plans;
  readonly database: Database;
  readonly metrics: Pick<ServerMetrics, 'statements' | 'limits'>;
  /** Shared by all servers, where it is configured. */
  readonly redis: Redis | undefined;
  /** How long a call of a model may take, in milliseconds. */
  readonly longestCallMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What counts against the plans. */
export interface Limits {
  readonly limiter: Limiter;
  readonly requests: RequestLimits;
  readonly tokenBudget: TokenBudget;
  readonly usage: UsageRecorder;
  /** Stores the usage that is not stored yet. */
  close(): Promise<void>;
}

/** Begins to count. */
export function openLimits({ metrics, ...rest }: LimitsParts): Limits {
  const parts = { ...rest, observers: metrics.statements.batches, onRefused: metrics.limits.onRefused };
  const limiter = new Limiter(parts);
  const usage = new UsageRecorder(parts);
  limiter.start();
  return {
    limiter,
    requests: createRequestLimits({ ...parts, limiter }),
    tokenBudget: new TokenBudget({ ...parts, limiter }),
    usage,
    async close() {
      await usage.stop();
      await limiter.stop();
    },
  };
}
