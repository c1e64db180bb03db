import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** What is written after the answer (deferred activity, say) counts too; it is given this long to come. */
const AFTERMATH_MS = 1_000;

/**
 * How many statements the database was sent during some work, by anybody but `database` itself and workers that look for
 * jobs: pg_stat_statements counts every one, those of transactions (BEGIN, COMMIT) included.
 */
export async function countStatements(database: pg.Client, work: () => Promise<void>): Promise<number> {
  await database.query('select pg_stat_statements_reset()');
  await work();
  await sleep(AFTERMATH_MS);
  const { rows } = await database.query(
    `select coalesce(sum(calls), 0)::float as calls from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query not like '%pg_stat_statements%' and query !~ '"graphile_worker"|job_workers'`,
  );
  return rows[0].calls;
}
