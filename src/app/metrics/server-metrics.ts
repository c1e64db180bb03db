import { Registry } from 'prom-client';
import { createProcessMetrics, readAtScrape } from '../../platform/telemetry/index.ts';
import { version } from '../version.ts';
import { createBreakerMetrics } from './breaker-metrics.ts';
import { createCacheMetrics } from './cache-metrics.ts';
import { createHttpMetrics } from './http-metrics.ts';
import { createJobMetrics } from './job-metrics.ts';
import { createLimitMetrics } from './limit-metrics.ts';
import { createModelMetrics } from './model-metrics.ts';
import { createPoolMetrics } from './pool-metrics.ts';
import { createStatementMetrics } from './statement-metrics.ts';
import { createTurnMetrics } from './turn-metrics.ts';

/** All metrics of a server: what its parts tell them, and where they read. */
export type ServerMetrics = ReturnType<typeof createServerMetrics>;

/**
 * Makes the metrics of a server; `/metrics` and `docs/reference/metrics.md` show what is in the registry. A part knows
 * nothing of them: it takes a callback (`observe`), or is read when metrics are asked for (`watch`). Labels are names out
 * of the code or the operator's configuration, never anything of a user.
 */
export function createServerMetrics() {
  const registry = new Registry();
  createProcessMetrics(registry);
  readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_build_info',
    help: 'Always 1; tells the version.',
    labelNames: ['version'],
  })(() => [[1, { version }]]);
  return {
    registry,
    http: createHttpMetrics(registry),
    statements: createStatementMetrics(registry),
    pool: createPoolMetrics(registry),
    caches: createCacheMetrics(registry),
    breakers: createBreakerMetrics(registry),
    jobs: createJobMetrics(registry),
    limits: createLimitMetrics(registry),
    models: createModelMetrics(registry),
    turns: createTurnMetrics(registry),
  };
}
