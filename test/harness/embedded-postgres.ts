import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';

/** A directory that is removed after the test. Others may enter it: under root, Postgres runs as another user. */
export async function makeDirectory(mode = 0o755): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-embedded-'));
  await chmod(directory, mode);
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts the embedded Postgres on a data directory; it is stopped after the test. */
export async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const log = createLogger({ level: 'silent' });
  const postgres = await startEmbeddedPostgres({ dataDir, log, postgresFlags: ['fsync=off'] });
  onTestFinished(() => postgres.stop());
  return postgres;
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
