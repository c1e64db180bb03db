import { installJobSchema } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { INSUFFICIENT_PRIVILEGE, migrate, sqlState } from '../platform/postgres/index.ts';
import { adviseOnDatabase } from './advise-on-database.ts';
import { findAssistants } from './assistants/find-assistants.ts';
import { findMigrationFolders } from './migration-folders.ts';

/** The oldest version of Postgres that serves, and the first that notices by itself that a client has left. */
export const OLDEST_POSTGRES = 140_000;

const mayNotMigrate =
  'The role may not change the schema: run "evenkeel migrate" with its owner in DATABASE_URL first, who grants this role ' +
  'what docs/guides/from-one-machine-to-many.md lists.';

/**
 * Brings the schema of a database up to date: that of jobs first, which our migrations build on, then ours. Answers the
 * names of our migrations that were applied. The URL leads to the server itself, not to a transaction pooler.
 * @throws Error that says what to do when the role may not change the schema, or the database takes no writes, lacks the
 *   schema public, is too old, has tables of another program or another encoding; also when no server would start with the
 *   assistants that are there, for what their migrations make would stay.
 */
export async function migrateSchema(url: string, log: Logger): Promise<string[]> {
  await findAssistants();
  const folders = await findMigrationFolders();
  const prepare = () => installJobSchema(url, log);
  return await migrate({ url, folders, log, oldestServer: OLDEST_POSTGRES, prepare }).catch((error: Error) => {
    const isForbidden = [error, error.cause].some((each) => sqlState(each) === INSUFFICIENT_PRIVILEGE);
    const advice = isForbidden ? mayNotMigrate : adviseOnDatabase(error);
    throw advice === undefined ? error : new Error(`${error.message}. ${advice}`, { cause: error });
  });
}
