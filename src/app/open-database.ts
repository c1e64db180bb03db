import type { CallContext } from '../base/call-context.ts';
import { AppError } from '../base/errors.ts';
import { inBackground } from '../base/in-background.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import {
  findEmbeddedPostgres,
  openPostgres,
  type Postgres,
  type PostgresOptions,
  startEmbeddedPostgres,
} from '../platform/postgres/index.ts';
import { adviseOnDatabase } from './advise-on-database.ts';
import { inspectRoutes } from './inspect-routes.ts';
import { migrateSchema } from './migrate-schema.ts';
import { reasonOf } from './reason-of.ts';
import { toStartError } from './to-start-error.ts';

/** The database of this process, migrated and ready. */
export interface OpenDatabase {
  readonly postgres: Postgres;
  /** Where notifications are heard: around a transaction pooler, where there is one. */
  readonly directUrl: string;
  /** What it is, for people: never with a password. */
  readonly description: string;
  /** Closes the pool and stops the embedded server, if it is ours. */
  close(): Promise<void>;
}

/** Where the database is: the configured one, or one of our own. */
export interface DatabaseHome {
  readonly url: string;
  /** For migrations and notifications: around a transaction pooler, where there is one. */
  readonly directUrl: string;
  /** Whether `url` leads through a pooler. */
  readonly isPooled: boolean;
  readonly description: string;
  stop(): Promise<void>;
}

/** How the database is used: a command does so beside a server that may be running, a server counts statements. */
export interface DatabaseUse {
  readonly joinRunning?: boolean;
  /** How the embedded Postgres is started: with a signal that ends the process, it has to end as well. */
  readonly startPostgres?: typeof startEmbeddedPostgres;
  readonly observe?: PostgresOptions['observe'];
}

/**
 * How much longer than its caller waits the server works on a statement, in milliseconds. By then it was told to stop; when
 * that was lost on the way, with locks held, it has to end it by itself.
 */
const LOST_CANCEL_MS = 500;

/** The options of a server's pool. */
export function poolOptionsOf(database: Config['database']) {
  const { poolSize, poolOverflow, poolWaitMs, connectTimeoutMs, connectionMaxAgeSeconds: maxAgeSeconds } = database;
  const statementTimeoutMs = Math.min(database.statementTimeoutMs, database.statementBudgetMs + LOST_CANCEL_MS);
  // One by one: of what is spread, a name that the pool does not know would go unnoticed.
  return {
    poolSize,
    poolOverflow,
    poolWaitMs,
    connectTimeoutMs,
    statementTimeoutMs,
    maxAgeSeconds,
  } satisfies Partial<PostgresOptions>;
}

/** Answers whether `url` leads through a pooler. Refuses a way on which something would not work, naming the setting. */
async function checkRoutes(url: string, directUrl: string | undefined): Promise<boolean> {
  const { isPooled, fault } = await inspectRoutes(url, directUrl).catch((cause) => {
    const todo = adviseOnDatabase(cause) ?? 'See that it runs and lets this role in; "evenkeel doctor" looks.';
    throw new Error(`${reasonOf(cause)}. ${todo}`, { cause });
  });
  if (fault !== undefined) throw new Error(`${fault.what}. ${fault.whatToDo}`);
  return isPooled;
}

/** The configured database, reached as settings say; `isPooled` is what was found of the way to it. */
export function configuredHome(url: string, directUrl: string | undefined, isPooled: boolean): DatabaseHome {
  const { hostname, pathname } = new URL(url);
  return { url, directUrl: directUrl ?? url, isPooled, description: hostname + pathname, stop: async () => undefined };
}

/** Finds the configured database; without one, starts the embedded Postgres in the data directory. */
export async function findDatabase(config: Config, log: Logger, use?: DatabaseUse): Promise<DatabaseHome> {
  const { url, directUrl } = config.database;
  if (url !== undefined) return configuredHome(url, directUrl, await checkRoutes(url, directUrl));
  const dataDir = config.data.directory;
  const description = `PostgreSQL in ${dataDir}`;
  const homeAt = (place: string, stop: DatabaseHome['stop'] = async () => undefined): DatabaseHome => {
    return { url: place, directUrl: place, isPooled: false, description, stop };
  };
  const findRunning = async () => (use?.joinRunning ? await findEmbeddedPostgres(dataDir) : undefined);
  const running = await findRunning();
  if (running !== undefined) return homeAt(running);
  const start = use?.startPostgres ?? startEmbeddedPostgres;
  try {
    const { url, stop } = await start({ dataDir, log });
    return homeAt(url, stop);
  } catch (error) {
    // A server that was being started at the same time has its own by now.
    const runningSince = await findRunning();
    if (runningSince === undefined) throw error;
    return homeAt(runningSince);
  }
}

/** How long the first connections and statements may take, in milliseconds: a hosted database may have to wake up. */
export const FIRST_USE_BUDGET_MS = 30_000;
/** As many as shared statements use at once, and one more. */
const MAX_FIRST_CONNECTIONS = 10;

/** Waits for an answer; a connection that takes longer to open than a request waits for one is asked for again. */
async function ping(postgres: Postgres, context: CallContext): Promise<void> {
  for (let failure: AppError | undefined; ; ) {
    try {
      await postgres.ping(context);
      return;
    } catch (error) {
      // That the time is over tells less than what it went by with.
      if (!(error instanceof AppError)) throw failure ?? error;
      failure = error;
    }
  }
}

/**
 * Opens connections, or the first requests would wait for them. That takes several round trips: to a far database longer than
 * a request waits.
 */
async function openConnections(postgres: Postgres, count: number): Promise<void> {
  await inBackground({ budgetMs: FIRST_USE_BUDGET_MS }, async (context) => {
    await Promise.all(Array.from({ length: count }, () => ping(postgres, context)));
  });
}

/** Opens the database of a server: finds it, brings its schema up to date, opens the pool. */
export async function openDatabase(config: Config, log: Logger, use: DatabaseUse): Promise<OpenDatabase> {
  const home = await findDatabase(config, log, use);
  try {
    await migrateSchema(home.directUrl, log);
    const { url, isPooled } = home;
    const postgres = openPostgres({ ...poolOptionsOf(config.database), url, isPooled, log, observe: use.observe });
    const close = async (): Promise<void> => {
      await postgres.close();
      await home.stop();
    };
    await openConnections(
      postgres,
      use.joinRunning ? 1 : Math.min(postgres.poolStatus().size, MAX_FIRST_CONNECTIONS),
    ).catch(async (error) => {
      await postgres.close();
      throw toStartError(error);
    });
    return { postgres, directUrl: home.directUrl, description: home.description, close };
  } catch (error) {
    await home.stop();
    throw error;
  }
}
