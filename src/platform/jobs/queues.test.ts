import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';
import { defineJob } from './index.ts';

test('a queue goes on after its job was finished by a worker that came back when another had it already', async () => {
  const own = await openJobDatabase();
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
  const enqueue = (id: string) =>
    own.client.query(`select from graphile_worker.add_job('test.queued', $1, queue_name => 'one by one')`, [{ id }]);
  startWorkers(own, [job], { leaseMs: 1_500 });
  await enqueue('first');
  await expect.poll(() => begun, { timeout: 10_000 }).toEqual(['first']);
  // What the late worker does to a job that it is done with. The queue is locked by the other one, and stays so.
  await own.client.query('delete from graphile_worker._private_jobs');
  first.resolve();
  await enqueue('second');
  await expect.poll(() => begun, { timeout: 10_000 }).toEqual(['first', 'second']);
});
