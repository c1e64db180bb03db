export { type Collector, inspectCollector } from './collector.ts';
export { telemetryErrors } from './errors.ts';
export { type Health, type HealthReport, registerHealthRoute } from './health-route.ts';
export { registerMetricsRoute } from './metrics-route.ts';
export { openTracing, type Tracing } from './open-tracing.ts';
export { createProcessMetrics } from './process-metrics.ts';
export { type ReadMetric, readAtScrape, type Sample } from './read-at-scrape.ts';
export { renderMetricsReference } from './render-reference.ts';
