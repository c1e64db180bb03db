import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { migrateSchema } from '../../src/app/migrate-schema.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database with nothing in it, as the superuser. */
    postgresUrl: string;
  }
}

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

const TEMPLATE = 'evenkeel_template';
// What is written need not survive the machine.
const HASTY = ['fsync=off', 'full_page_writes=off', 'max_connections=300'];

let stopPostgres: (() => Promise<void>) | undefined;

/** Vitest's global set-up: one embedded Postgres for all test files, with a migrated template database to clone. */
export async function setup(project: TestProject): Promise<void> {
  const { url, stop } = await startTemporaryPostgres();
  stopPostgres = stop;
  project.provide('postgresUrl', url);
}

/** Vitest's global tear-down. */
export async function teardown(): Promise<void> {
  await stopPostgres?.();
}

/** An embedded Postgres in a temporary directory, with the template database. */
export async function startTemporaryPostgres(): Promise<{ url: string; templateUrl: string; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-test-'));
  // Under root, Postgres runs as another user, who must get in.
  await chmod(dataDir, 0o755);
  const log = createLogger({ level: 'warn' });
  const postgres = await startEmbeddedPostgres({ dataDir, log, postgresFlags: HASTY });
  const stop = async (): Promise<void> => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await administer(postgres.url, `create database ${TEMPLATE}`);
    const templateUrl = withDatabase(postgres.url, TEMPLATE);
    await migrateSchema(templateUrl, log);
    return { url: postgres.url, templateUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A new database with the schema of all migrations and no rows. For a test file, in `beforeAll`; drop it in `afterAll`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  // By copying its files: by the log, as is the default, takes twice the work, and dropping it three times.
  await administer(adminUrl, `create database ${name} template ${TEMPLATE} strategy file_copy`);
  return {
    url: withDatabase(adminUrl, name),
    drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`),
  };
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
