import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../test/harness/postgres.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres } from '../postgres/index.ts';
import { openJobs } from './index.ts';

test('workers that are stopped while they start are stopped all the same, and leave no connection', async () => {
  const testDatabase = await createTestDatabase();
  const log = createLogger({ level: 'silent' });
  const database = openPostgres({ url: testDatabase.url, log });
  const client = new Client({ connectionString: testDatabase.url });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await database.close();
    await testDatabase.drop();
  });
  const options = { database, directUrl: testDatabase.url, jobs: [], log, concurrency: 2 };
  const jobs = openJobs({ ...options, stopTimeoutMs: 1_000 });
  jobs.start();
  await jobs.stop();
  const connections = `select from pg_stat_activity
    where application_name = 'evenkeel jobs' and datname = current_database()`;
  await expect.poll(async () => (await client.query(connections)).rowCount).toBe(0);
});
