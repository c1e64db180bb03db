import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { migrateSchema } from './migrate-schema.ts';
import { findDatabase } from './open-database.ts';
import { startPostgresForCommand } from './start-postgres-for-command.ts';

/** Brings the schema of the configured database up to date. Answers the names of the migrations that were applied. */
export async function migrateDatabase(config: Config, log: Logger): Promise<string[]> {
  const home = await findDatabase(config, log, { joinRunning: true, startPostgres: startPostgresForCommand });
  try {
    return await migrateSchema(home.directUrl, log);
  } finally {
    await home.stop();
  }
}
