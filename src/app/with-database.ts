import type { CallContext } from '../base/call-context.ts';
import { inBackground } from '../base/in-background.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import { FIRST_USE_BUDGET_MS, openDatabase } from './open-database.ts';
import { startPostgresForCommand } from './start-postgres-for-command.ts';

/** What a command has to do with the database. */
export interface CommandOptions {
  readonly config: Config;
  readonly log: Logger;
  /** How long it may take, in milliseconds; 30 s when absent. */
  readonly budgetMs?: number;
}

/** Does a command's work on the database of the configuration, and closes it again. */
export async function withDatabase<Result>(
  { config, log, budgetMs = FIRST_USE_BUDGET_MS }: CommandOptions,
  work: (database: Database, context: CallContext) => Promise<Result>,
): Promise<Result> {
  const opened = await openDatabase(config, log, { joinRunning: true, startPostgres: startPostgresForCommand });
  try {
    return await inBackground({ budgetMs }, (context) => work(opened.postgres, context));
  } finally {
    await opened.close();
  }
}
