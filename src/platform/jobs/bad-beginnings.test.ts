import { Type } from 'typebox';
import { expect, test, vi } from 'vitest';
import { countJobs, enqueueWork, openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';
import { createLogger } from '../log/index.ts';
import { defineJob, type JobsOptions } from './index.ts';

const soon = { timeout: 15_000, interval: 50 };

/** Starts workers, and answers the jobs that were done. */
function startWork(parts: Parameters<typeof startWorkers>[0], options?: Partial<JobsOptions>): string[] {
  const done: string[] = [];
  const input = Type.Object({ id: Type.String() });
  startWorkers(parts, [defineJob({ name: 'test.work', input, run: async ({ id }) => done.push(id) })], options);
  return done;
}

test('workers that started while the database was read-only do jobs when it no longer is, each once', async () => {
  const { url, database, client } = await openJobDatabase();
  const name = new URL(url).pathname.slice(1);
  const log = createLogger({ level: 'silent' });
  const warn = vi.spyOn(log, 'warn');
  await client.query(`alter database ${name} set default_transaction_read_only = on`);
  const done = startWork({ url, database }, { log });
  await expect.poll(() => warn.mock.calls.length, soon).toBeGreaterThan(0);
  await client.query(`alter database ${name} reset default_transaction_read_only`);
  await enqueueWork(client, 'a');
  await enqueueWork(client, 'b');
  await expect.poll(() => countJobs(client), soon).toBe(0);
  expect(done.sort()).toEqual(['a', 'b']);
}, 30_000);

test('workers whose first question to the database failed are started anew, and do jobs', async () => {
  const { url, database, client } = await openJobDatabase();
  await client.query(`
    create sequence refused;
    create function refuse() returns trigger language plpgsql as $$ begin
      perform nextval('refused');
      raise exception 'refused';
    end $$;
    create trigger refuse before insert on graphile_worker._private_tasks for each row execute function refuse()`);
  const done = startWork({ url, database });
  const isRefused = async () => (await client.query('select from refused where is_called')).rowCount;
  await expect.poll(isRefused, soon).toBe(1);
  await client.query('drop trigger refuse on graphile_worker._private_tasks');
  await enqueueWork(client, 'a');
  await expect.poll(() => countJobs(client), soon).toBe(0);
  expect(done).toEqual(['a']);
}, 30_000);
