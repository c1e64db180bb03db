import { Type } from 'typebox';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { countJobs, enqueueWork, openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';
import { defineJob } from './index.ts';

const soon = { timeout: 15_000, interval: 50 };

test('a job whose worker never heard that it was given it is done after the lease, and one that takes longer is done once', async () => {
  const { url, database, client } = await openJobDatabase();
  const proxy = await startFaultProxy(url);
  onTestFinished(() => proxy.close());
  const begun: string[] = [];
  const long = Promise.withResolvers<void>();
  const job = defineJob({
    name: 'test.work',
    input: Type.Object({ id: Type.String() }),
    async run({ id }) {
      begun.push(id);
      if (id === 'long') await long.promise;
    },
  });
  const enqueue = (id: string, queue = id) => enqueueWork(client, id, queue);
  const listLocked = async () => {
    const { rows } = await client.query(`select q.queue_name as name from graphile_worker._private_jobs j
      join graphile_worker._private_job_queues q on q.id = j.job_queue_id where j.locked_at is not null order by 1`);
    return rows.map(({ name }) => name);
  };
  startWorkers({ url: proxy.url, database }, [job], { leaseMs: 3_000 });
  await enqueue('long');
  await expect.poll(() => begun, soon).toEqual(['long']);
  proxy.loseReplyWith('"lost"');
  await enqueue('lost');
  await expect.poll(listLocked, soon).toEqual(['long', 'lost']);
  expect(begun).toEqual(['long']);
  await enqueue('behind', 'lost');
  await expect.poll(() => begun, soon).toEqual(['long', 'lost', 'behind']);
  long.resolve();
  await expect.poll(() => countJobs(client), soon).toBe(0);
  expect(begun).toEqual(['long', 'lost', 'behind']);
}, 60_000);

test('a job counts as held while it is done, and a lease after that no longer', async () => {
  const { url, database, client } = await openJobDatabase();
  const query = vi.spyOn(database, 'query');
  const done = Promise.withResolvers<void>();
  const job = defineJob({ name: 'test.work', input: Type.Unknown(), run: () => done.promise });
  startWorkers({ url, database }, [job], { leaseMs: 600 });
  await enqueueWork(client, 'a');
  const held = () => query.mock.lastCall?.[0].values.find(Array.isArray);
  await expect.poll(held, soon).toHaveLength(1);
  done.resolve();
  await expect.poll(held, soon).toEqual([]);
});
