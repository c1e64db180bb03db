import type { Clock } from '../base/time.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { type Postgres, TAKEN_PART } from '../platform/postgres/index.ts';
import { type GuardedDatabase, guardDatabase, limitPerStatement } from '../platform/resilience/index.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';

interface GuardParts {
  readonly config: Config['database'];
  readonly clock: Clock;
  readonly log: Logger;
  /** None where nobody could read them. */
  readonly metrics?: ServerMetrics;
}

/**
 * The database as requests and background work see it: with a time limit for each statement, a breaker, and room left for
 * others beside a statement that is slow or waits for a lock. What the server does at its start goes past it.
 */
export function guardPostgres(postgres: Postgres, { config, clock, log, metrics }: GuardParts): GuardedDatabase {
  const { poolSize, poolOverflow, poolWaitMs, statementBudgetMs } = config;
  const maxInFlight = Math.floor((poolSize + poolOverflow) * TAKEN_PART);
  const onRefused = metrics?.statements.batches.onRefused;
  const { query } = limitPerStatement(postgres, { clock, maxInFlight, waitMs: poolWaitMs, onRefused });
  return guardDatabase(
    { query, ping: postgres.ping, refresh: postgres.refresh },
    { clock, log, statementBudgetMs, observe: (state) => metrics?.breakers.observe('postgres', state) },
  );
}
