import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Type } from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { createTestDatabase } from '../../../test/harness/postgres.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres } from '../postgres/index.ts';
import { defineJob, openJobs } from './index.ts';

const log = createLogger({ level: 'silent' });
const soon = { timeout: 20_000, interval: 50 };
const held = ['a', 'b', 'c', 'd'];

test('workers go on after the database was away when jobs were to be marked as done, one after the other', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const proxy = await startFaultProxy(database.url);
  onTestFinished(() => proxy.close());
  const postgres = openPostgres({ url: database.url, log });
  onTestFinished(() => postgres.close());
  const client = new Client({ connectionString: database.url });
  await client.connect();
  onTestFinished(() => client.end());
  const enqueue = (id: string) =>
    client.query(`select graphile_worker.add_job('test.work', json_build_object('id', $1::text))`, [id]);

  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const job = defineJob({
    name: 'test.work',
    input: Type.Object({ id: Type.String() }),
    async run({ id }) {
      if (begun.push(id) <= held.length) await new Promise<void>((resolve) => ends.push(resolve));
    },
  });
  const parts = { database: postgres, log, leaseMs: 3_000, stopTimeoutMs: 5_000 };
  const jobs = openJobs({ ...parts, directUrl: proxy.url, jobs: [job], concurrency: held.length });
  onTestFinished(() => jobs.stop());
  jobs.start();
  for (const id of held) await enqueue(id);
  await expect.poll(() => ends.length, soon).toBe(held.length);
  proxy.setMode('reset');
  for (const end of ends) {
    end();
    await sleep(200);
  }
  proxy.setMode('pass');
  await enqueue('next');
  // Those that were not marked are given back, and done again.
  await expect.poll(() => begun.slice(held.length).sort(), soon).toEqual([...held, 'next']);
}, 60_000);
