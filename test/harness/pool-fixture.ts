import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, onTestFinished } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres, type Postgres, type PostgresOptions } from '../../src/platform/postgres/postgres.ts';
import { sql } from '../../src/platform/postgres/statement.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

/** For tests of the pool: a database of the test file's own with a table `notes`, and what the tests do with it. */
export class PoolFixture {
  database = {} as TestDatabase;
  admin = {} as Client;

  constructor() {
    beforeAll(async () => {
      this.database = await createTestDatabase();
      this.admin = await this.database.connect();
      await this.admin.query('create table notes (id int primary key, text text)');
    });
    afterEach(() => this.admin.query('truncate notes'));
    afterAll(() => this.database.drop?.());
  }

  /** A pool that is closed after the test. */
  open(options: Partial<PostgresOptions> = {}): Postgres {
    const postgres = openPostgres({ url: this.database.url, log: createLogger({ level: 'silent' }), ...options });
    onTestFinished(() => postgres.close());
    return postgres;
  }

  /** The URL of a role that may have so many connections. */
  async limitedRole(name: string, connections: number): Promise<string> {
    const role = `test_${name}_${process.pid}`;
    await this.admin.query(`create role ${role} login password 'secret' connection limit ${connections}`);
    onTestFinished(async () => {
      await this.admin.query(`drop role ${role}`);
    });
    const url = new URL(this.database.url);
    url.username = role;
    url.password = 'secret';
    return url.href;
  }

  /** How many other sessions are running a statement with this in its text. */
  async countRunning(marker: string): Promise<number> {
    const { rows } = await this.admin.query(
      `select count(*)::int as n from pg_stat_activity
        where state = 'active' and query like $1 and pid <> pg_backend_pid() and datname = current_database()`,
      [`%${marker}%`],
    );
    return rows[0].n;
  }
}

/** Answers which server process it ran in. */
export const backend = () => sql<{ pid: number }>`
  -- test.backend
  select pg_backend_pid() as pid`;

/** Takes its time. */
export const nap = (seconds: number) => sql<{ nap: string }>`
  -- test.nap
  select pg_sleep(${seconds})::text as nap`;

/** Writes a row. */
export const addNote = (id: number, text: string) => sql<{ id: number }>`
  -- test.add_note
  insert into notes (id, text) values (${id}, ${text}) returning id`;
