import { installJobSchema } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { migrate } from '../platform/postgres/index.ts';
import { findMigrationFolders } from './migration-folders.ts';

/**
 * Brings the schema of a database up to date: that of jobs first, which our migrations build on, then ours. Answers the
 * names of our migrations that were applied. The URL leads to the server itself, not to a transaction pooler.
 */
export async function migrateSchema(url: string, log: Logger): Promise<string[]> {
  const folders = await findMigrationFolders();
  return await migrate({ url, folders, log, prepare: () => installJobSchema(url, log) });
}
