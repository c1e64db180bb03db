import { inBackground } from '../base/in-background.ts';
import type { TurnRunner } from '../core/chat/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { HttpServer } from '../platform/http/index.ts';
import { registerHealthRoute, registerMetricsRoute } from '../platform/telemetry/index.ts';
import { countJobs, createHealthReport, type HealthParts } from './describe-health.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';

/** What there is to see of a server. */
export interface OperationParts extends HealthParts {
  readonly config: Config;
  readonly metrics: ServerMetrics;
  readonly turns: TurnRunner;
}

/** How long counting jobs may take when metrics are read, in milliseconds: Prometheus gives up after ten seconds. */
const COUNT_JOBS_BUDGET_MS = 1_000;

/** Registers the routes that show how a server is, and tells its metrics where to read what nobody tells them. */
export function showOperation(http: HttpServer, parts: OperationParts): void {
  const { config, metrics, postgres, database, callers, redis, models, jobs, turns } = parts;
  metrics.http.watch(http);
  metrics.pool.watch(postgres.poolStatus);
  metrics.caches.watch({ callers: callers.cache });
  metrics.breakers.watch({
    postgres: () => database.state() !== 'closed',
    redis: () => redis?.isAvailable === false,
  });
  metrics.jobs.watch(() => inBackground({ budgetMs: COUNT_JOBS_BUDGET_MS }, (context) => countJobs(jobs, context)));
  metrics.models.watch(() => models.health());
  metrics.turns.watch(() => turns.running.size);
  registerHealthRoute(http, createHealthReport(parts));
  registerMetricsRoute(http, { registry: metrics.registry, token: config.telemetry.metricsToken });
}
