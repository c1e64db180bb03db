import type { CallContext } from '../base/call-context.ts';
import type { Models } from '../core/models/index.ts';
import type { JobStats, Jobs } from '../platform/jobs/index.ts';
import type { PoolStatus, Postgres } from '../platform/postgres/index.ts';
import type { Redis } from '../platform/redis/index.ts';
import type { GuardedDatabase } from '../platform/resilience/index.ts';
import type { Health, HealthReport } from '../platform/telemetry/index.ts';
import type { CheckDependencies } from './check-dependencies.ts';
import type { Callers } from './open-callers.ts';
import { version } from './version.ts';

/** What is asked how it is. */
export interface HealthParts {
  readonly postgres: Postgres;
  readonly database: GuardedDatabase;
  readonly callers: Callers;
  readonly redis: Redis | undefined;
  readonly models: Models;
  readonly jobs: Jobs;
  readonly check: CheckDependencies;
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;

function describePool(pool: PoolStatus): Health['database']['pool'] {
  const { active, utilisation, ...others } = pool;
  return { ...others, checked_out: active, utilisation: thousandths(utilisation) };
}

function describeCache({ cache }: Callers): Health['cache'] {
  const { tags, sizeBytes, hitRate, ttlMs } = cache.statistics();
  return { users: tags, bytes: sizeBytes, hit_rate: thousandths(hitRate), ttl_seconds: ttlMs / 1000 };
}

/** Undefined when the database does not tell in time. */
export async function countJobs(jobs: Jobs, context: CallContext): Promise<JobStats | undefined> {
  return await context.deadline.race(jobs.stats(context)).catch(() => undefined);
}

/** Makes the report on a server that `/health` answers with. */
export function createHealthReport(parts: HealthParts): HealthReport {
  const { postgres, database, callers, redis, models, jobs, check } = parts;
  return async (context) => {
    // Before our own question takes a connection.
    const pool = postgres.poolStatus();
    const [{ status, reasons, latencyMs }, stats] = await Promise.all([check(context), countJobs(jobs, context)]);
    return {
      status: status === 'ready' ? 'ok' : status,
      reasons,
      version,
      uptime_seconds: Math.floor(process.uptime()),
      database: {
        status: latencyMs === undefined ? 'down' : 'up',
        breaker: database.state(),
        latency_ms: latencyMs === undefined ? null : thousandths(latencyMs),
        pool: describePool(pool),
      },
      cache: describeCache(callers),
      redis: { status: redis === undefined ? 'off' : redis.isAvailable ? 'up' : 'down' },
      jobs: stats ?? null,
      models: models.health().map(({ model: name, ...health }) => ({ name, ...health })),
    };
  };
}
