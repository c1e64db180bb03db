import { runMigrations } from 'graphile-worker';
import type { Logger } from '../log/index.ts';
import { graphileLog } from './graphile-log.ts';
import { openWorkerPool } from './worker-pool.ts';

/** Brings the schema `graphile_worker`, where jobs are kept, up to date. The URL leads to the server itself. */
export async function installJobSchema(url: string, log: Logger): Promise<void> {
  const pgPool = openWorkerPool(url, log);
  try {
    await runMigrations({ pgPool, logger: graphileLog(log) });
  } finally {
    await pgPool.end();
  }
}
