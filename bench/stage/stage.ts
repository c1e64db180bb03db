import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { newId } from '../../src/base/ids.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';
import { type ChildServer, startScript, stopAllProcesses } from './child-server.ts';
import { type Product, runCommand, startProduct } from './product.ts';
import { createUsers, type User } from './users.ts';

/** Half of the 100 ms round trip to the far database. */
const ONE_WAY_MS = 50;
/** The round trip to the far database, in milliseconds. */
export const ROUND_TRIP_MS = 2 * ONE_WAY_MS;

/** The connections to the database that each server under measurement has, ours and baselines alike. */
const POOL_SIZE = 10;

/** How Evenkeel is started for a bench. */
export interface ProductOptions {
  /** Absent: the near one. */
  readonly databaseUrl?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Of the command `serve`. */
  readonly flags?: readonly string[];
}

/**
 * Where benches play: one embedded Postgres as the product runs it (fsync on), with one migrated database for ours and the
 * baselines, and ways to start servers on it. Everything lives in a temporary directory.
 */
export class Stage implements AsyncDisposable {
  /** The near database. */
  readonly databaseUrl: string;
  /** Of the database, for preparing and looking; never part of what is measured. */
  readonly database: pg.Client;
  readonly directory: string;
  readonly #postgres: EmbeddedPostgres;
  readonly #users: User[] = [];

  private constructor(directory: string, postgres: EmbeddedPostgres, databaseUrl: string) {
    this.directory = directory;
    this.#postgres = postgres;
    this.databaseUrl = databaseUrl;
    this.database = new pg.Client(databaseUrl);
  }

  static async open(): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'evenkeel-bench-'));
    const log = createLogger({ level: 'error' });
    const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), log });
    try {
      return await Stage.#prepare(directory, postgres);
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  }

  static async #prepare(directory: string, postgres: EmbeddedPostgres): Promise<Stage> {
    const admin = new pg.Client(postgres.url);
    await admin.connect();
    await admin.query('create database bench');
    await admin.end();
    const databaseUrl = Object.assign(new URL(postgres.url), { pathname: 'bench' }).href;
    await runCommand(['migrate'], { DATABASE_URL: databaseUrl });
    const stage = new Stage(directory, postgres, databaseUrl);
    await stage.database.connect();
    await stage.database.query('create extension pg_stat_statements');
    return stage;
  }

  /** Starts Evenkeel, with a fresh cache and as many connections to the database as a baseline has. */
  startProduct({ databaseUrl = this.databaseUrl, variables = {}, flags = [] }: ProductOptions = {}): Promise<Product> {
    const pool = { DATABASE_POOL_SIZE: String(POOL_SIZE), DATABASE_POOL_OVERFLOW: '0' };
    const PLANS_FILE = fileURLToPath(new URL('plans.yaml', import.meta.url));
    const base = { PLANS_FILE, DATABASE_URL: databaseUrl, DATA_DIR: join(this.directory, 'data'), ...pool };
    return startProduct({ ...base, ...variables }, { logDir: this.directory, flags });
  }

  /** Starts a baseline of `bench/baselines` on a database. */
  startBaseline(name: 'hello' | 'insert' | 'sequential', databaseUrl = this.databaseUrl): Promise<ChildServer> {
    const script = fileURLToPath(new URL(`../baselines/${name}.ts`, import.meta.url));
    const args = ['--database-url', databaseUrl, '--pool-size', String(POOL_SIZE)];
    return startScript(script, name === 'hello' ? [] : args);
  }

  /** Puts 100 ms between; answers the URL under which the same database is far away. */
  async startDistance(): Promise<ChildServer & { readonly databaseUrl: string }> {
    const script = fileURLToPath(new URL('../distance.ts', import.meta.url));
    const { port } = new URL(this.databaseUrl);
    const proxy = await startScript(script, ['--port', port, '--delay-ms', String(ONE_WAY_MS)]);
    return { ...proxy, databaseUrl: Object.assign(new URL(this.databaseUrl), { port: String(proxy.port) }).href };
  }

  /** So many users with a key each, on a plan whose limits nobody reaches; the same ones at every call. */
  async users(count: number): Promise<User[]> {
    const missing = count - this.#users.length;
    if (missing > 0) this.#users.push(...(await createUsers(this.databaseUrl, missing)));
    return this.#users.slice(0, count);
  }

  /** The first of them. */
  async user(): Promise<User> {
    const [user] = await this.users(1);
    if (user === undefined) throw new Error('There is no user.');
    return user;
  }

  /** Writes an empty session for each of these users; answers their ids. */
  async writeSessions(users: readonly User[]): Promise<string[]> {
    const ids = users.map(() => newId());
    const insert = 'insert into chat_sessions (user_id, id) select * from unnest($1::uuid[], $2::uuid[])';
    await this.database.query(insert, [users.map(({ userId }) => userId), ids]);
    return ids;
  }

  /** Ends what still runs, the database last, and removes the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await stopAllProcesses();
    await this.database.end();
    await this.#postgres.stop();
    await rm(this.directory, { recursive: true });
  }
}
