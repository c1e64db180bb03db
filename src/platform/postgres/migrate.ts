import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigrationBuilder } from 'node-pg-migrate';
import type { Client } from 'pg';
import type { Logger } from '../log/index.ts';
import { connect } from './connect.ts';
import { isConflict, sqlState, UNDEFINED_TABLE } from './errors.ts';
import { listMigrationFiles, type MigrationFile, readMigration } from './migration-files.ts';

/** Options of `migrate`. */
export interface MigrateOptions {
  /** A `postgres://` URL that leads to the server itself, not to a transaction pooler: locks belong to a session. */
  readonly url: string;
  /** Folders with files named `<timestamp>_<name>.sql`. */
  readonly folders: readonly string[];
  readonly log: Logger;
  /** The oldest version of Postgres that they run on, as 140000; any when absent. */
  readonly oldestServer?: number;
  /**
   * What runs before the migrations when there are any to run, while no other server migrates. When it fails, not even the table
   * of migrations is made.
   */
  readonly prepare?: () => Promise<void>;
}

const TABLE = 'evenkeel_migrations';
// As node-pg-migrate would make it, which does not tell the reason when it may not.
const ENSURE_TABLE = `do $$ begin
  if to_regclass('public.${TABLE}') is null then
    create table public.${TABLE} (id serial primary key, name varchar(255) not null, run_on timestamp not null);
  end if;
end $$`;
// Any number does that nothing else uses as an advisory lock in this database ("keel" in ASCII).
const LOCK_KEY = 0x6b65656c;
const LOCK_POLL_MS = 200;
const LOCK_NEWS_EVERY_MS = 10_000;
// Building an index on a large table takes the longest; beyond that the other server hangs, and someone should look.
const LOCK_WAIT_MS = 3_600_000;
// While DDL waits for its lock, everything that comes after waits behind it, and behind the locks that it holds already: give way
// within a quarter of what a statement of a running server has, and before Postgres looks for a deadlock, and try again.
const TABLE_LOCK_TIMEOUT_MS = 500;
// What runs outside a transaction, as `create index concurrently` does, holds up nobody while it waits, and begins anew after it.
const OUTSIDE_LOCK_TIMEOUT_MS = 5_000;
// Hosted databases end what takes longer than a minute or two; an index on a large table does. Postgres knows the last since 17.
const SETTINGS = `select set_config(name, '0', false) from pg_settings
    where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
  set lock_timeout = ${OUTSIDE_LOCK_TIMEOUT_MS}; set search_path = public`;
// Half a minute in all for a table.
const TABLE_LOCK_ATTEMPTS = 24;
const TABLE_LOCK_PAUSE_MS = 1_000;

/**
 * Brings the schema up to date: runs, by name, what has not run yet, each file in a transaction of its own. A file whose
 * first line is `-- no transaction` runs statement by statement outside one, as `create index concurrently` needs; it must
 * be able to run again from its start. Answers the names of the files that ran.
 *
 * Servers that start at once take turns. With nothing to do it costs one query.
 *
 * @throws Error naming the file that failed and why. Files before it have run; of the failed one nothing remains, unless it
 *   runs without a transaction.
 */
export async function migrate({ url, folders, log, oldestServer = 0, prepare }: MigrateOptions): Promise<string[]> {
  const files = await listMigrationFiles(folders);
  const client = await connect(url, { application_name: 'evenkeel migrate' });
  try {
    if ((await findPending(client, files, log)).length === 0) return [];
    await takeTurn(client, log);
    await client.query(SETTINGS);
    // Another server may have run them while we waited.
    const pending = await findPending(client, files, log);
    if (pending.length > 0) {
      await refuseOlder(client, oldestServer);
      // Before what `prepare` makes, which a role that may not make this one would own; not to stay when `prepare` refuses.
      await client.query(`begin; ${ENSURE_TABLE}`);
      await prepare?.();
      await client.query('commit');
      log.info({ migrations: pending.length }, 'migrating the database');
      await runWithRetries(client, pending, { log, isNew: pending.length === files.length });
    }
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function refuseOlder(client: Client, oldest: number): Promise<void> {
  const version = `select current_setting('server_version') as version, current_setting('server_version_num')::integer as number`;
  const [server] = (await client.query<{ version: string; number: number }>(version)).rows;
  if (server === undefined || server.number >= oldest) return;
  const wanted = Math.floor(oldest / 10_000);
  throw new Error(`this is PostgreSQL ${server.version}: upgrade to PostgreSQL ${wanted} or later`);
}

async function findPending(client: Client, files: readonly MigrationFile[], log: Logger): Promise<MigrationFile[]> {
  const done = await client.query<{ name: string }>(`select name from public.${TABLE}`).catch((error) => {
    // No table yet: nothing has run.
    if (sqlState(error) === UNDEFINED_TABLE) return { rows: [] };
    throw error;
  });
  const doneNames = new Set(done.rows.map(({ name }) => name));
  const knownNames = new Set(files.map(({ name }) => name));
  const unknown = [...doneNames].filter((name) => !knownNames.has(name));
  if (unknown.length > 0) {
    log.warn({ migrations: unknown }, 'the database has migrations that this version of the code does not know');
  }
  return files.filter(({ name }) => !doneNames.has(name));
}

/**
 * Waits by asking again: a session that waits inside `pg_advisory_lock` has a snapshot, for whose end a `create index
 * concurrently` of the other server would wait in turn.
 */
async function takeTurn(client: Client, log: Logger): Promise<void> {
  const startedAtMs = performance.now();
  let newsAtMs = startedAtMs;
  for (;;) {
    const { rows } = await client.query('select pg_try_advisory_lock($1) as taken', [LOCK_KEY]);
    if (rows[0]?.taken === true) return;
    const nowMs = performance.now();
    if (nowMs - startedAtMs > LOCK_WAIT_MS)
      throw new Error('another server has been migrating this database for an hour');
    if (nowMs >= newsAtMs) {
      log.info('another server is migrating the database; waiting for it');
      newsAtMs = nowMs + LOCK_NEWS_EVERY_MS;
    }
    await sleep(LOCK_POLL_MS);
  }
}

/** Where it is told what runs, and whether nothing ran before. */
interface Told {
  readonly log: Logger;
  readonly isNew: boolean;
}

async function runWithRetries(client: Client, pending: readonly MigrationFile[], told: Told): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(client, pending, told);
    } catch (error) {
      const { cause } = error as Error;
      // A deadlock is with statements of a server that runs: Postgres undid the migration in their favour.
      const isInUse = sqlState(cause) === '55P03' || isConflict(cause);
      if (!isInUse || attempt === TABLE_LOCK_ATTEMPTS) throw error;
      told.log.warn({ err: error, attempt }, 'a table to be migrated is in use; trying again');
      await client.query('rollback');
      await sleep(TABLE_LOCK_PAUSE_MS);
    }
  }
}

async function run(client: Client, pending: readonly MigrationFile[], { log, isNew }: Told): Promise<void> {
  // Here, as most starts have nothing to migrate.
  const { runner } = await import('node-pg-migrate');
  let current: MigrationFile | undefined;
  const loader = async () =>
    pending.map((file) => ({
      id: file.path,
      filePaths: [file.path],
      actions: {
        up: async (builder: MigrationBuilder) => {
          current = file;
          // Each may take long where there are rows, and none where there are none.
          log[isNew ? 'debug' : 'info']({ migration: file.name }, 'running a migration');
          const { isTransaction, steps } = await readMigration(file.path);
          if (isTransaction) builder.sql(`set local lock_timeout = ${TABLE_LOCK_TIMEOUT_MS}`);
          else builder.noTransaction();
          for (const step of steps) builder.sql(step);
        },
        down: false as const,
      },
    }));
  const say = (text: string): void => log.debug(text);
  try {
    await runner({
      dbClient: client,
      direction: 'up',
      migrationsTable: TABLE,
      migrationsSchema: 'public',
      checkOrder: false,
      noLock: true,
      // Its own search takes one folder or glob patterns, which a path may break: it searches the first folder, and the
      // loader answers with the files of all.
      dir: dirname(pending[0]?.path ?? ''),
      ignorePattern: '(?!.*\\.sql$).*',
      migrationLoaderStrategies: [{ extensions: ['.sql'], loader }],
      logger: { debug: say, info: say, warn: say, error: say },
    });
  } catch (error) {
    const { message } = error as Error;
    const what = current === undefined ? 'cannot migrate the database' : `migration ${current.path} failed`;
    throw new Error(`${what}: ${message}`, { cause: error });
  }
}
