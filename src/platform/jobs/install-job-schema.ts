import { runMigrations } from 'graphile-worker';
import type pg from 'pg';
import type { Logger } from '../log/index.ts';
import { sqlState, UNDEFINED_TABLE } from '../postgres/index.ts';
import { graphileLog } from './graphile-log.ts';
import { openWorkerPool } from './worker-pool.ts';

/**
 * Brings the schema `graphile_worker`, where jobs are kept, up to date. The URL leads to the server itself.
 *
 * @throws Error that says what to do when another program keeps its jobs there: its workers do not tell us that they live, so
 *   we would give their jobs to others, and set aside those that we do not know.
 */
export async function installJobSchema(url: string, log: Logger): Promise<void> {
  const pgPool = openWorkerPool(url, log);
  try {
    if (await hasJobsOfOthers(pgPool)) {
      const reason = 'the schema graphile_worker of this database has jobs of another program';
      throw new Error(`${reason}: give Evenkeel a database of its own`);
    }
    await runMigrations({ pgPool, logger: graphileLog(log) });
  } finally {
    await pgPool.end();
  }
}

/** Whether there were jobs before there was our table of workers. */
async function hasJobsOfOthers(pool: pg.Pool): Promise<boolean> {
  // Kinds of jobs, also of those that are done. Before its migration 16 graphile-worker had them as `tasks`, before 11 not at all.
  for (const table of ['_private_tasks', 'tasks', 'jobs']) {
    const text = `select exists (select from graphile_worker.${table}) and to_regclass('public.job_workers') is null as found`;
    try {
      return (await pool.query<{ found: boolean }>(text)).rows[0]?.found === true;
    } catch (error) {
      if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    }
  }
  return false;
}
