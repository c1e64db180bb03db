import type { Client } from 'pg';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { startProduct, type TestUser, useProduct } from '../harness/product.ts';

const product = useProduct({}, { worksOnJobs: false });
let client: Client;
let user: TestUser;

beforeAll(async () => {
  client = await product.connect();
  user = await product.createUser();
});

/** Enqueues a job that was tried as often as it may be; answers its id. */
async function failJob(name: string): Promise<string> {
  const { rows } = await client.query(
    `select id::text from graphile_worker.add_job($1, '{"text":"what a user wrote"}', max_attempts => 3)`,
    [name],
  );
  await client.query(
    `update graphile_worker._private_jobs set attempts = 3, last_error = 'models.unavailable' where id = $1`,
    [rows[0].id],
  );
  return rows[0].id;
}

/** What the operator's trail says of jobs, newest first. */
async function readTrail(): Promise<unknown[]> {
  const { data } = (await (await product.request(user, 'GET', '/v1/activity')).json()) as {
    data: { kind: string; key_id: string | null; subject_id: string; ip: string | null }[];
  };
  return data
    .filter(({ kind, key_id: keyId, ip }) => kind.startsWith('job.') && keyId !== null && ip !== null)
    .map(({ kind, subject_id: subjectId }) => `${kind} ${Number(subjectId.replaceAll('-', ''))}`);
}

interface JobList {
  data: { id: string; name: string }[];
  has_more: boolean;
  next_cursor: string | null;
  counts: Record<string, number>;
}

async function list(query = ''): Promise<JobList> {
  return (await (await product.request(user, 'GET', `/admin/jobs${query}`)).json()) as JobList;
}

it('lists what was set aside, newest first and page by page, without what it is about, and counts the rest', async () => {
  const ids: string[] = [];
  for (const name of ['test.one', 'test.two', 'test.three']) ids.unshift(await failJob(name));
  await client.query(`select graphile_worker.add_job('test.waiting', '{}')`);
  const first = await list('?limit=2');
  expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  expect(first.data[0]).toEqual({
    id: ids[0],
    object: 'job',
    name: 'test.three',
    attempts: 3,
    last_error: 'models.unavailable',
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    failed_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(first.counts).toMatchObject({ waiting: 1, running: 0, failed: 3 });
  const second = await list(`?limit=2&cursor=${first.next_cursor}`);
  expect([second.data.map(({ id }) => id), second.has_more]).toEqual([ids.slice(2), false]);
});

it('has a job start anew, or deletes it, unless it runs, and the trail of the operator says so', async () => {
  const id = await failJob('test.again');
  const retried = await product.request(user, 'POST', `/admin/jobs/${id}/retry`);
  expect([retried.status, await retried.json()]).toEqual([200, { id, object: 'job', status: 'waiting' }]);
  const { rows } = await client.query(
    'select attempts, is_available from graphile_worker._private_jobs where id = $1',
    [id],
  );
  expect(rows).toEqual([{ attempts: 0, is_available: true }]);

  await client.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'w', attempts = max_attempts where id = $1`,
    [id],
  );
  // In its last try.
  expect((await list()).data.map((job) => job.id)).not.toContain(id);
  for (const [method, path] of [
    ['POST', `/admin/jobs/${id}/retry`],
    ['DELETE', `/admin/jobs/${id}`],
  ] as const) {
    const running = await product.request(user, method, path);
    expect([running.status, await running.json()]).toMatchObject([404, { error: { code: 'jobs.not_found' } }]);
  }
  await client.query('update graphile_worker._private_jobs set locked_at = null, locked_by = null where id = $1', [id]);
  const deleted = await product.request(user, 'DELETE', `/admin/jobs/${id}`);
  expect([deleted.status, await deleted.json()]).toEqual([200, { id, object: 'job', deleted: true }]);
  expect((await product.request(user, 'DELETE', `/admin/jobs/${id}`)).status).toBe(404);
  expect(await readTrail()).toEqual([`job.deleted ${id}`, `job.retried ${id}`]);
});

it('a job that no server knows is among those that were set aside, once it has been due for a day', async () => {
  const working = await startProduct({}, { beside: product, worksOnJobs: true });
  onTestFinished(() => working.stop());
  const enqueue = async (name: string, ago: string, queue?: string): Promise<string> => {
    const add = `select id::text from graphile_worker.add_job($1, '{}', run_at => now() - $2::interval, queue_name => $3)`;
    return (await client.query(add, [name, ago, queue])).rows[0].id;
  };
  await client.query(
    `insert into graphile_worker._private_job_queues (queue_name, locked_at, locked_by) values ('busy', now(), 'another')`,
  );
  await enqueue('notifications.welcome', '25 hours', 'busy');
  const gone = await enqueue('gone.index_item', '25 hours');
  await enqueue('later.index_item', '23 hours');
  await enqueue('jobs.set_aside_unknown', '0');
  const isOurs = ({ name }: { name: string }) => !name.startsWith('test.');
  await expect
    .poll(async () => (await list()).data.filter(isOurs), { timeout: 20_000 })
    .toEqual([expect.objectContaining({ id: gone, name: 'gone.index_item', last_error: 'UnknownJob' })]);
  expect((await product.request(user, 'POST', `/admin/jobs/${gone}/retry`)).status).toBe(200);
});
