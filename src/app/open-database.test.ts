import { expect, onTestFinished, test } from 'vitest';
import { makeTestDirectory } from '../../test/harness/make-test-directory.ts';
import { createTestDatabase } from '../../test/harness/postgres.ts';
import { loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../platform/postgres/index.ts';
import { findDatabase, poolOptionsOf } from './open-database.ts';

test('what is configured of the pool has the names that the pool knows', () => {
  const { database } = loadConfig({
    DATABASE_POOL_SIZE: '1',
    DATABASE_POOL_OVERFLOW: '2',
    DATABASE_POOL_WAIT_MS: '3',
    DATABASE_CONNECT_TIMEOUT_MS: '4',
    DATABASE_STATEMENT_BUDGET_MS: '5000',
    DATABASE_CONNECTION_MAX_AGE_SECONDS: '6',
  });
  expect(poolOptionsOf(database)).toEqual({
    poolSize: 1,
    poolOverflow: 2,
    poolWaitMs: 3,
    connectTimeoutMs: 4,
    statementTimeoutMs: 5_500,
    maxAgeSeconds: 6,
  });
  // Unless a statement may take less.
  const impatient = loadConfig({ DATABASE_STATEMENT_TIMEOUT_MS: '1000' });
  expect(poolOptionsOf(impatient.database).statementTimeoutMs).toBe(1_000);
});

test('the URL that leads nowhere is named', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const nowhere = Object.assign(new URL(database.url), { port: '1' }).href;
  const find = (url: string, directUrl: string) => {
    const config = loadConfig({ DATABASE_URL: url, DATABASE_DIRECT_URL: directUrl });
    return findDatabase(config, createLogger({ level: 'silent' }));
  };
  await expect(find(database.url, nowhere)).rejects.toThrow(/^DATABASE_DIRECT_URL: .*ECONNREFUSED/);
  await expect(find(nowhere, database.url)).rejects.toThrow(/^DATABASE_URL: .*ECONNREFUSED/);
});

test('two URLs that lead to two databases are refused', async () => {
  const [one, another] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  onTestFinished(() => Promise.all([one.drop(), another.drop()]).then(() => undefined));
  const config = loadConfig({ DATABASE_URL: one.url, DATABASE_DIRECT_URL: another.url });
  await expect(findDatabase(config, createLogger({ level: 'silent' }))).rejects.toThrow(
    /^DATABASE_URL and DATABASE_DIRECT_URL lead to two/,
  );
});

test('a command joins the Postgres of a server that was being started at the same time, which a server does not', async () => {
  const dataDir = await makeTestDirectory();
  const config = loadConfig({ DATA_DIR: dataDir });
  const log = createLogger({ level: 'silent' });
  let server: Awaited<ReturnType<typeof startEmbeddedPostgres>> | undefined;
  onTestFinished(() => server?.stop());
  const startPostgres = async (options: EmbeddedPostgresOptions) => {
    server ??= await startEmbeddedPostgres(options);
    return await startEmbeddedPostgres(options);
  };
  const home = await findDatabase(config, log, { joinRunning: true, startPostgres });
  expect(home.url).toBe(server?.url);
  await home.stop();
  await expect(findDatabase(config, log, { startPostgres })).rejects.toThrow('another Evenkeel');
});
