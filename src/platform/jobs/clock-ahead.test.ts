import { Type } from 'typebox';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openJobDatabase, startWorkers } from '../../../test/harness/job-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { sql } from '../postgres/index.ts';
import { defineJob } from './index.ts';
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
  const own = await openJobDatabase();
  await own.client.query(
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
  onTestFinished(() => void vi.useRealTimers());
  startWorkers(own, [job], { leaseMs: 1_500 });
  const count = () => {
    moveOn();
    return done;
  };
  await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(0);
});

test('what a server whose clock is twenty seconds ahead has scheduled stays so, and is not scheduled once more by another', async () => {
  const { database } = await openJobDatabase();
  const schedule = sql`
    -- test.schedule
    insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
    values ('test.scheduled', now() - interval '1 day', now() + interval '20 seconds')`;
  await database.query(schedule, testContext());
  await database.query(beat({ worker: 'test', leaseMs: 30_000, heldJobs: [] }), testContext());
  const readSchedule = sql<{ stays: boolean }>`
    -- test.read_schedule
    select last_execution > now() as stays from graphile_worker._private_known_crontabs`;
  expect(await database.query(readSchedule, testContext())).toEqual([{ stays: true }]);
});
