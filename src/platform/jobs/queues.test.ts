import { Client } from 'pg';
import { Type } from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../../test/harness/postgres.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres } from '../postgres/index.ts';
import { defineJob, openJobs } from './index.ts';

test('a queue goes on after its job was finished by a worker that came back when another had it already', async () => {
  const testDatabase = await createTestDatabase();
  const log = createLogger({ level: 'silent' });
  const database = openPostgres({ url: testDatabase.url, log });
  const client = new Client({ connectionString: testDatabase.url });
  await client.connect();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const job = defineJob({
    name: 'test.queued',
    input: Type.Object({ id: Type.String() }),
    async run({ id }) {
      begun.push(id);
      if (id === 'first') await first.promise;
    },
  });
  const options = { database, directUrl: testDatabase.url, jobs: [job], log, concurrency: 2 };
  const jobs = openJobs({ ...options, stopTimeoutMs: 1_000, leaseMs: 1_500 });
  onTestFinished(async () => {
    await jobs.stop();
    await client.end();
    await database.close();
    await testDatabase.drop();
  });
  const enqueue = (id: string) =>
    client.query(`select from graphile_worker.add_job('test.queued', $1, queue_name => 'one by one')`, [{ id }]);
  jobs.start();
  await enqueue('first');
  await expect.poll(() => begun, { timeout: 10_000 }).toEqual(['first']);
  // What the late worker does to a job that it is done with. The queue is locked by the other one, and stays so.
  await client.query('delete from graphile_worker._private_jobs');
  first.resolve();
  await enqueue('second');
  await expect.poll(() => begun, { timeout: 10_000 }).toEqual(['first', 'second']);
});
