import { inBackground } from '../base/in-background.ts';
import { ensureWelcomeSession } from '../core/chat/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { findAssistants } from './assistants/find-assistants.ts';
import { renderBanner } from './banner.ts';
import { checkFiles } from './check-files.ts';
import { createServer, type Server, type ServerParts } from './create-server.ts';
import { ensureFirstUser } from './first-user.ts';
import { checkAddress, listen } from './listen.ts';
import { createServerMetrics } from './metrics/server-metrics.ts';
import { type DatabaseUse, FIRST_USE_BUDGET_MS, type OpenDatabase, openDatabase } from './open-database.ts';
import { startTracing } from './start-tracing.ts';
import { toStartError } from './to-start-error.ts';

/** A server that listens. */
export interface RunningServer {
  /** What to tell whoever started it. */
  readonly banner: string;
  /** Stops it without losing a request, then the database if it is embedded. A second call joins the first. */
  stop(): Promise<void>;
}

/** What a server does beside serving requests, and how it starts its database. */
export interface ServeOptions extends Pick<DatabaseUse, 'startPostgres'> {
  /** Whether it works on jobs too. */
  readonly worksOnJobs: boolean;
}

/** Puts the server together. When that fails, the database does not stay behind; what else was opened ends with the process. */
async function createOrClose(parts: ServerParts, database: OpenDatabase): Promise<Server> {
  try {
    return await createServer(parts);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * Starts everything: the database (embedded unless one is configured), its migrations, the first user, the server.
 * The database and the server are stopped again when a later step fails.
 */
export async function serve(config: Config, log: Logger, options: ServeOptions): Promise<RunningServer> {
  checkFiles(config);
  await checkAddress(config.http);
  const assistantFolders = await findAssistants();
  const metrics = createServerMetrics();
  const tracing = await startTracing(config, log);
  const { worksOnJobs, ...use } = options;
  const database = await openDatabase(config, log, { ...use, observe: metrics.statements.observe });
  const { postgres, directUrl } = database;
  const server = await createOrClose(
    { config, log, postgres, directUrl, worksOnJobs, metrics, assistantFolders, startTrace: tracing?.start },
    database,
  );
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await server.stop();
    await database.close();
    await tracing?.close();
  };
  try {
    const { firstKey, sessionId } = await inBackground({ budgetMs: FIRST_USE_BUDGET_MS }, async (context) => {
      const key = await ensureFirstUser(postgres, config.data.directory, context);
      return { firstKey: key, sessionId: key && (await ensureWelcomeSession(postgres, key.userId, context)) };
    });
    const address = await listen(server.http, config.http);
    const model = server.models.get().id;
    const banner = renderBanner({ address, database: database.description, model, firstKey, sessionId });
    return { banner, stop: () => (stopped ??= stop()) };
  } catch (error) {
    await stop();
    throw toStartError(error);
  }
}
