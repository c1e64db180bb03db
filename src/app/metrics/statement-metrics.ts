import { Counter, Histogram, type Registry } from 'prom-client';
import type { BatchObservation, StatementObservation } from '../../platform/postgres/index.ts';

/** From a statement on a database near by to the longest that one may run. */
const statementBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10, 30];
/** Up to the longest that anyone waits, half a second, by default. */
const waitBuckets = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
/** Up to the most that a batch takes. */
const inputBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/** Adds the metrics of statements, each by the name in its first line, and of batches of them. */
export function createStatementMetrics(registry: Registry) {
  const common = { labelNames: ['statement'], registers: [registry] };
  const seconds = new Histogram({
    ...common,
    name: 'evenkeel_statement_duration_seconds',
    help: 'Time a statement took on its connection, the way to the database included.',
    buckets: statementBuckets,
  });
  const poolWait = new Histogram({
    name: 'evenkeel_pool_wait_seconds',
    help: 'Time a statement waited for a connection, in vain too.',
    buckets: waitBuckets,
    registers: [registry],
  });
  const failures = new Counter({
    ...common,
    name: 'evenkeel_statement_failures_total',
    help: 'Statements that were refused by Postgres, cancelled or lost, or got no connection.',
  });
  const refused = new Counter({
    ...common,
    name: 'evenkeel_statement_refused_total',
    help: 'Callers who were refused because too many waited for the same statement.',
  });
  const inputs = new Histogram({
    ...common,
    name: 'evenkeel_batch_callers',
    help: 'Inputs that shared a statement.',
    buckets: inputBuckets,
  });
  const wait = new Histogram({
    ...common,
    name: 'evenkeel_batch_wait_seconds',
    help: 'Time the first caller of a batch waited for it to leave.',
    buckets: waitBuckets,
  });
  return {
    observe({ name: statement, waitMs, durationMs, isFailed }: StatementObservation): void {
      if (durationMs !== undefined) seconds.observe({ statement }, durationMs / 1000);
      poolWait.observe(waitMs / 1000);
      if (isFailed) failures.inc({ statement });
    },
    /** For `createBatch`; `onRefused` also for whoever limits a statement. */
    batches: {
      observe({ name: statement, inputs: count, waitMs }: BatchObservation): void {
        inputs.observe({ statement }, count);
        wait.observe({ statement }, waitMs / 1000);
      },
      onRefused(statement: string): void {
        refused.inc({ statement });
      },
    },
  };
}
