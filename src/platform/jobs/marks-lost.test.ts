import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { enqueueWork, openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';
import { defineJob } from './index.ts';

const soon = { timeout: 20_000, interval: 50 };
const held = ['a', 'b', 'c', 'd'];

test('workers go on after the database was away when jobs were to be marked as done, one after the other', async () => {
  const { url, database, client } = await openJobDatabase();
  const proxy = await startFaultProxy(url);
  onTestFinished(() => proxy.close());
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const job = defineJob({
    name: 'test.work',
    input: Type.Object({ id: Type.String() }),
    async run({ id }) {
      if (begun.push(id) <= held.length) await new Promise<void>((resolve) => ends.push(resolve));
    },
  });
  startWorkers({ url: proxy.url, database }, [job], { concurrency: held.length, leaseMs: 3_000 });
  for (const id of held) await enqueueWork(client, id);
  await expect.poll(() => ends.length, soon).toBe(held.length);
  proxy.setMode('reset');
  for (const end of ends) {
    end();
    await sleep(200);
  }
  proxy.setMode('pass');
  await enqueueWork(client, 'next');
  // Those that were not marked are given back, and done again.
  await expect.poll(() => begun.slice(held.length).sort(), soon).toEqual([...held, 'next']);
}, 60_000);
