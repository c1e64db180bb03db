import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database with nothing in it, as the superuser. */
    postgresUrl: string;
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Opens a connection of the test's own, past the product's. */
  connect(): Promise<Client>;
  /** Ends those. */
  disconnect(): Promise<void>;
  /** Ends all connections to it and removes it. */
  drop(): Promise<void>;
}

/** The database that those of tests are copies of. */
export const TEMPLATE = 'evenkeel_template';

/** A new database with the schema of all migrations and no rows. For a test file, in `beforeAll`; drop it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  // By copying its files: by the log, as is the default, takes twice the work, and dropping it three times.
  await ask(adminUrl, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  const database = sharedDatabase(withDatabase(adminUrl, name));
  return {
    ...database,
    async drop() {
      await database.disconnect();
      await ask(adminUrl, `drop database if exists ${name} with (force)`);
    },
  };
}

/** A database that another removes. */
export function sharedDatabase(url: string): TestDatabase {
  const clients: Client[] = [];
  const disconnect = async () => void (await Promise.all(clients.splice(0).map((client) => client.end())));
  return {
    url,
    async connect() {
      const client = new Client({ connectionString: url });
      await client.connect();
      clients.push(client);
      return client;
    },
    disconnect,
    drop: disconnect,
  };
}

/** The URL of another database of the same server. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

/** What a database answers, over a connection of its own. */
export async function ask<Row>(url: string, text: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
