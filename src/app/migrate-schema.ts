import { installJobSchema } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { INSUFFICIENT_PRIVILEGE, migrate, sqlState } from '../platform/postgres/index.ts';
import { adviseOnDatabase } from './advise-on-database.ts';
import { findAssistants } from './assistants/find-assistants.ts';
import { findMigrationFolders } from './migration-folders.ts';

const mayNotMigrate =
  'The role may not change the schema: run "evenkeel migrate" with its owner in DATABASE_URL first, who grants this role ' +
  'what docs/guides/from-one-machine-to-many.md lists.';

/**
 * Brings the schema of a database up to date: that of jobs first, which our migrations build on, then ours. Answers the
 * names of our migrations that were applied. The URL leads to the server itself, not to a transaction pooler.
 * @throws Error that says what to do when the role may not change the schema, or the database takes no writes, lacks the
 *   schema public, has tables of another program or another encoding; also when no server would start with the
 *   assistants that are there, for what their migrations make would stay.
 */
export async function migrateSchema(url: string, log: Logger): Promise<string[]> {
  await findAssistants();
  const folders = await findMigrationFolders();
  return await migrate({ url, folders, log, prepare: () => installJobSchema(url, log) }).catch((error: Error) => {
    const isForbidden = [error, error.cause].some((each) => sqlState(each) === INSUFFICIENT_PRIVILEGE);
    const advice = isForbidden ? mayNotMigrate : adviseOnDatabase(error);
    throw advice === undefined ? error : new Error(`${error.message}. ${advice}`, { cause: error });
  });
}
