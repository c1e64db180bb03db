import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateSchema } from '../../src/app/migrate-schema.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';
import { ask, TEMPLATE, withDatabase } from './postgres.ts';
import { useTemporaryFolder } from './temporary-folder.ts';

// Apart from postgres.ts: a test that only asks for a database need not load all that migrates one, which is nearly the whole product.

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

/** An embedded Postgres in the temporary folder that this process has from then on, with the template database. */
export async function startTemporaryPostgres(): Promise<{ url: string; templateUrl: string; stop(): Promise<void> }> {
  const dataDir = join(useTemporaryFolder(), 'evenkeel-test');
  const log = createLogger({ level: 'warn' });
  const postgres = await startEmbeddedPostgres({ dataDir, log, postgresFlags: HASTY });
  try {
    await ask(postgres.url, `create database ${TEMPLATE}`);
    const templateUrl = withDatabase(postgres.url, TEMPLATE);
    await migrateSchema(templateUrl, log);
    return { url: postgres.url, templateUrl, stop: () => postgres.stop() };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
