import { Client } from 'pg';
import { Type } from 'typebox';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTestDatabase } from '../../../test/harness/postgres.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres, sql } from '../postgres/index.ts';
import { defineJob, openJobs } from './index.ts';
import { beat } from './queries.ts';

const MINUTE_MS = 60_000;

/** Has this process's clock go ten minutes ahead, from half a second before a minute begins; answers how to move it on. */
function goAhead(): () => void {
  const startMs = (Math.ceil(Date.now() / MINUTE_MS) + 10) * MINUTE_MS - 500;
  const startedMs = performance.now();
  vi.useFakeTimers({ toFake: ['Date'], now: startMs });
  return () => vi.setSystemTime(startMs + performance.now() - startedMs);
}

test.each([
  ['whose clock is ahead', "now() - interval '1 minute'"],
  ['after one whose clock was a year ahead', "now() + interval '1 year'"],
])('what a server %s schedules is done, and not only once the database has that time', async (_, lastExecution) => {
  const testDatabase = await createTestDatabase();
  const log = createLogger({ level: 'silent' });
  const database = openPostgres({ url: testDatabase.url, log });
  const client = new Client({ connectionString: testDatabase.url });
  await client.connect();
  await client.query(
    `insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
      values ('test.scheduled', now() - interval '1 day', ${lastExecution})`,
  );
  let done = 0;
  const job = defineJob({
    name: 'test.scheduled',
    input: Type.Object({}),
    crontab: '* * * * *',
    run: async () => done++,
  });
  const moveOn = goAhead();
  const options = { database, directUrl: testDatabase.url, jobs: [job], log, concurrency: 2 };
  const jobs = openJobs({ ...options, stopTimeoutMs: 1_000, leaseMs: 1_500 });
  onTestFinished(async () => {
    await jobs.stop();
    vi.useRealTimers();
    await client.end();
    await database.close();
    await testDatabase.drop();
  });
  jobs.start();
  const count = () => {
    moveOn();
    return done;
  };
  await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(0);
});

test('what a server whose clock is twenty seconds ahead has scheduled stays so, and is not scheduled once more by another', async () => {
  const testDatabase = await createTestDatabase();
  const database = openPostgres({ url: testDatabase.url, log: createLogger({ level: 'silent' }) });
  onTestFinished(async () => {
    await database.close();
    await testDatabase.drop();
  });
  const schedule = sql`
    -- test.schedule
    insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
    values ('test.scheduled', now() - interval '1 day', now() + interval '20 seconds')`;
  await database.query(schedule, testContext());
  await database.query(beat({ worker: 'test', leaseMs: 30_000 }), testContext());
  const readSchedule = sql<{ stays: boolean }>`
    -- test.read_schedule
    select last_execution > now() as stays from graphile_worker._private_known_crontabs`;
  expect(await database.query(readSchedule, testContext())).toEqual([{ stays: true }]);
});
