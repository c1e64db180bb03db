import { expect, test } from 'vitest';
import { openJobDatabase } from '../../../test/harness/job-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { beat } from './queries.ts';

test.each([
  ['', '1 hour'],
  [', also after the clock was set back', '-1 hour'],
])(
  'a worker that was silent itself judges nobody at first; then who was silent for a lease, and not who has just begun or works for long%s',
  async (_, ago) => {
    const { database, client } = await openJobDatabase();
    await client.query(`insert into job_workers values ('silent', now() - $1::interval), ('busy', now())`, [ago]);
    for (const [worker, since] of [
      ['dead', ago],
      ['new', '0 s'],
      ['busy', ago],
    ]) {
      await client.query(`select from graphile_worker.add_job('test.work', queue_name => $1)`, [worker]);
      const lock = 'set locked_by = $1, locked_at = now() - $2::interval where';
      await client.query(`update graphile_worker._private_job_queues ${lock} queue_name = $1`, [worker, since]);
      await client.query(`update graphile_worker._private_jobs ${lock} locked_by is null`, [worker, since]);
    }
    const workersOf = async (what: string): Promise<string[]> => {
      const locked = `select locked_by as worker from graphile_worker._private_${what} where locked_at is not null order by 1`;
      return (await client.query<{ worker: string }>(locked)).rows.map(({ worker }) => worker);
    };
    const look = async () => {
      const [answer] = await database.query(beat({ worker: 'silent', leaseMs: 30_000, heldJobs: [] }), testContext());
      return [answer?.lost, await workersOf('jobs'), await workersOf('job_queues')];
    };
    const all = ['busy', 'dead', 'new'];
    expect(await look()).toEqual([0, all, all]);
    const living = ['busy', 'new'];
    expect(await look()).toEqual([1, living, living]);
  },
);
