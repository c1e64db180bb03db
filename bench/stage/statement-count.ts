import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** What is written after the answer (deferred activity, say) counts too; it is given this long to come. */
const AFTERMATH_MS = 1_000;

async function countCalls(database: pg.Client, work: () => Promise<unknown>): Promise<number> {
  await database.query('select pg_stat_statements_reset()');
  await work();
  const { rows } = await database.query(
    `select coalesce(sum(calls), 0)::float as calls from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database())
        and query not like '%pg_stat_statements%'`,
  );
  return rows[0].calls;
}

/**
 * How many statements the database was sent because of some work, by anybody but `database` itself: pg_stat_statements
 * counts every one, those of transactions (BEGIN, COMMIT) included. What servers send by the clock, whether or not anybody
 * asks them anything, is taken off: as much as they send afterwards in the same time.
 */
export async function countStatements(database: pg.Client, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  const calls = await countCalls(database, async () => {
    await work();
    await sleep(AFTERMATH_MS);
  });
  const tookMs = performance.now() - startMs;
  return Math.max(0, calls - (await countCalls(database, () => sleep(tookMs))));
}
