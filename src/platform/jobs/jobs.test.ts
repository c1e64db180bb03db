import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Type } from 'typebox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startWorkers } from '../../../test/harness/job-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/postgres.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { AppError } from '../../base/errors.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres, type Postgres } from '../postgres/index.ts';
import { defineJob, type Job, type Jobs, type JobsOptions } from './index.ts';
import type { JobObservation } from './to-task.ts';

const Input = Type.Object({ id: Type.String() }, { additionalProperties: false });
const workerFile = join(import.meta.dirname, '../../../test/harness/job-worker.ts');

let testDatabase: TestDatabase;
let postgres: Postgres;
let client: Client;
let observed: JobObservation[];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  postgres = openPostgres({ url: testDatabase.url, log: createLogger({ level: 'silent' }) });
  client = new Client({ connectionString: testDatabase.url });
  await client.connect();
  await client.query('create table effects (id text, kind text)');
});

beforeEach(async () => {
  observed = [];
  await client.query('truncate effects; truncate graphile_worker._private_jobs');
});

afterAll(async () => {
  await client?.end();
  await postgres?.close();
  await testDatabase?.drop();
});

type Work = Parameters<typeof defineJob<typeof Input>>[0]['run'];

const job = (run: Work, options: { name?: string; maxAttempts?: number; budgetMs?: number } = {}): Job =>
  defineJob({ name: 'test.work', input: Input, ...options, run });

const work = (jobs: readonly Job[], options: Partial<JobsOptions> = {}): Jobs =>
  startWorkers({ url: testDatabase.url, database: postgres }, jobs, {
    onJob: (observation) => observed.push(observation),
    ...options,
  });

const enqueue = (payload: object, name = 'test.work') =>
  client.query('select id from graphile_worker.add_job($1, $2)', [name, JSON.stringify(payload)]);

const outcomes = () => observed.map(({ outcome }) => outcome);

/** Has jobs that wait for another try not wait. */
const hurry = () => client.query('update graphile_worker._private_jobs set run_at = now() where locked_at is null');

const soon = { timeout: 20_000, interval: 50 };

describe('a job', () => {
  it('is done with the payload it was enqueued with, and is gone then', async () => {
    const done: unknown[] = [];
    const jobs = work([job(async (payload) => done.push(payload))]);
    await enqueue({ id: 'a', traceparent: '00-11111111111111111111111111111111-2222222222222222-01' });
    await expect.poll(outcomes, soon).toEqual(['completed']);
    expect(done).toEqual([{ id: 'a' }]);
    const empty = { waiting: 0, running: 0, failed: 0, oldest_waiting_seconds: 0 };
    await expect.poll(() => jobs.stats(testContext()), soon).toEqual(empty);
  });

  it('does not exist when the statement that enqueued it was undone', async () => {
    const done: string[] = [];
    work([job(async ({ id }) => done.push(id))]);
    await client.query('begin');
    await enqueue({ id: 'undone' });
    await client.query('rollback');
    await expect(client.query(`select graphile_worker.add_job('test.work', '{"id":"x"}'), 1 / 0`)).rejects.toThrow();
    await enqueue({ id: 'kept' });
    await expect.poll(() => done, soon).toEqual(['kept']);
  });

  it('is tried again, later from try to try, and keeps the code of its error but none of its text', async () => {
    let tries = 0;
    work([
      job(async () => {
        if (++tries === 1) throw new AppError('test.broken', { status: 500, message: 'what the user wrote' });
        if (tries === 2) throw new TypeError('what the user wrote');
      }),
    ]);
    await enqueue({ id: 'a' });
    const waits: number[] = [];
    for (const error of ['test.broken', 'TypeError']) {
      const read = async () => {
        const { rows } = await client.query(
          `select last_error, extract(epoch from run_at - updated_at)::float8 as wait_seconds
            from graphile_worker._private_jobs where locked_at is null`,
        );
        return rows[0] ?? {};
      };
      await expect.poll(read, soon).toMatchObject({ last_error: error });
      waits.push((await read()).wait_seconds);
      await hurry();
    }
    await expect.poll(outcomes, soon).toEqual(['failed', 'failed', 'completed']);
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0);
  });

  it('is set aside after its own number of tries', async () => {
    const jobs = work([job(() => Promise.reject(new Error('always')), { maxAttempts: 2 })]);
    await enqueue({ id: 'a' });
    await expect.poll(outcomes, soon).toEqual(['failed']);
    await expect.poll(async () => (await jobs.stats(testContext())).running, soon).toBe(0);
    await hurry();
    await expect.poll(() => jobs.stats(testContext()), soon).toMatchObject({ failed: 1, waiting: 0, running: 0 });
    expect(outcomes()).toEqual(['failed', 'set_aside']);
  });

  it('that fails is run once at most before those behind it, a thousand of them, and not again once set aside', async () => {
    const count = 1_000;
    const runs = new Map<string, () => void>();
    let tries = 0;
    const fail = async () => {
      tries++;
      throw new Error('always');
    };
    const jobs = work([
      job(async ({ id }) => runs.get(id)?.()),
      defineJob({ name: 'test.poison', input: Input, maxAttempts: 2, run: fail }),
    ]);
    const runBehind = async (id: string): Promise<void> => {
      const done = new Promise<void>((resolve) => runs.set(id, resolve));
      await enqueue({ id });
      await done;
    };
    const many = `select graphile_worker.add_job('test.poison', '{"id":"x"}') from generate_series(1, $1::integer)`;
    await client.query(many, [count]);
    await runBehind('behind those that fail');
    expect(tries).toBeLessThanOrEqual(count);
    // On a busy machine the first are due again before the last have run.
    await expect.poll(() => tries, soon).toBeGreaterThanOrEqual(count);
    await hurry();
    const isSetAside = async () => (await jobs.stats(testContext())).failed === count;
    await expect.poll(isSetAside, soon).toBe(true);
    await runBehind('behind those set aside');
    expect(tries).toBe(2 * count);
  });

  it('with a payload that is not what it takes fails without being run', async () => {
    const done: string[] = [];
    const jobs = work([job(async ({ id }) => done.push(id), { maxAttempts: 1 })]);
    await enqueue({ id: 5 });
    await expect.poll(async () => (await jobs.stats(testContext())).failed, soon).toBe(1);
    expect(done).toEqual([]);
    const { rows } = await client.query('select last_error from graphile_worker._private_jobs');
    expect(rows).toEqual([{ last_error: 'InvalidPayload' }]);
  });

  it('that hangs is given up when its budget ends', async () => {
    work([job(() => sleep(600_000, undefined, { ref: false }), { budgetMs: 100 })]);
    await enqueue({ id: 'a' });
    await expect.poll(outcomes, soon).toEqual(['failed']);
  });
});

it('a job that asks for more tries than it would get is refused', () => {
  expect(() => job(async () => undefined, { maxAttempts: 26 })).toThrow('25');
  expect(job(async () => undefined, { maxAttempts: 25 }).maxAttempts).toBe(25);
});

it('a daily job that was missed while no worker ran is done once, and one of each hour waits for its next', async () => {
  const anHourAgo = new Date(Date.now() - 3_600_000);
  const inHalfAnHour = new Date(Date.now() + 1_800_000);
  const [minute, hour] = [anHourAgo.getUTCMinutes(), anHourAgo.getUTCHours()];
  const crontabs = { daily: `${minute} ${hour} * * *`, hourly: `${inHalfAnHour.getUTCMinutes()} * * * *` };
  await client.query(
    `insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
      select 'test.' || name, now() - interval '9 days', now() - interval '3 days' from unnest($1::text[]) name`,
    [Object.keys(crontabs)],
  );
  const done: string[] = [];
  const scheduled = Object.entries(crontabs).map(([name, crontab]) =>
    defineJob({ name: `test.${name}`, input: Type.Object({}), crontab, run: async () => done.push(name) }),
  );
  work([...scheduled, job(async ({ id }) => done.push(id))]);
  await expect.poll(() => done, soon).toContain('daily');
  await enqueue({ id: 'after' });
  await expect.poll(() => done, soon).toContain('after');
  expect(done).toEqual(['daily', 'after']);
});

it('two workers share the jobs, and do each once', async () => {
  const done: string[][] = [[], []];
  const bothWork = Promise.withResolvers<void>();
  for (const own of done) {
    work([
      job(async ({ id }) => {
        own.push(id);
        if (done.every(({ length }) => length > 0)) bothWork.resolve();
        // One that starts first could do them all while the other still connects.
        await bothWork.promise;
        await sleep(20);
      }),
    ]);
  }
  await client.query(
    `select graphile_worker.add_job('test.work', json_build_object('id', n::text)) from generate_series(1, 100) n`,
  );
  await expect.poll(() => done.flat().length, soon).toBe(100);
  expect(new Set(done.flat()).size).toBe(100);
  expect(done.map((own) => own.length > 10)).toEqual([true, true]);
});

describe('stopping', () => {
  it('waits for a job that runs, and takes no other', async () => {
    const released = Promise.withResolvers<void>();
    const jobs = work([job(() => released.promise)], { concurrency: 1 });
    await enqueue({ id: 'a' });
    await enqueue({ id: 'b' });
    await expect.poll(async () => (await jobs.stats(testContext())).running, soon).toBe(1);
    const stopped = jobs.stop();
    await sleep(100);
    released.resolve();
    await stopped;
    expect(outcomes()).toEqual(['completed']);
    expect(await jobs.stats(testContext())).toMatchObject({ waiting: 1, running: 0, failed: 0 });
  });

  it('cancels a job that outlasts the bound, which is tried again', async () => {
    const jobs = work([job((_payload, { deadline }) => deadline.race(new Promise(() => undefined)))], {
      stopTimeoutMs: 200,
    });
    await enqueue({ id: 'a' });
    await expect.poll(async () => (await jobs.stats(testContext())).running, soon).toBe(1);
    await jobs.stop();
    expect(outcomes()).toEqual(['failed']);
    expect(await jobs.stats(testContext())).toMatchObject({ waiting: 1, running: 0 });
  });
});

describe('a worker that is killed in mid job', () => {
  let child: ChildProcess;

  const begun = async () => (await client.query(`select id from effects where kind = 'begun'`)).rowCount;

  afterEach(() => void child.kill('SIGKILL'));

  it('has its job done by another, with one effect', async () => {
    child = spawn(process.execPath, [workerFile, testDatabase.url], { stdio: 'inherit' });
    await enqueue({ id: 'a' }, 'test.hang');
    await expect.poll(begun, soon).toBe(1);
    let tries = 0;
    const finish: Work = async ({ id }) => {
      tries++;
      await client.query(`insert into effects (id, kind) values ($1, 'done')`, [id]);
    };
    work([job(finish, { name: 'test.hang' })], { leaseMs: 1_500 });
    // While its worker lives nobody takes it, for twice the lease.
    await sleep(3_000);
    expect(tries).toBe(0);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await expect.poll(() => tries, soon).toBe(1);
    await sleep(1_000);
    const { rows } = await client.query('select kind from effects order by kind');
    expect(rows).toEqual([{ kind: 'begun' }, { kind: 'done' }]);
  });
});

it('a worker may be silent for 30 s where nothing else is said', async () => {
  const query = vi.spyOn(postgres, 'query');
  onTestFinished(() => query.mockRestore());
  work([job(async () => undefined)]);
  const beats = () => query.mock.calls.map(([statement]) => statement).filter(({ name }) => name === 'jobs.beat');
  await expect.poll(() => beats().at(0)?.values.at(0), soon).toBe(30_000);
});

it('workers go on after the database has ended all their connections', async () => {
  const done: string[] = [];
  work([job(async ({ id }) => done.push(id))]);
  await enqueue({ id: 'before' });
  await expect.poll(() => done, soon).toEqual(['before']);
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'evenkeel jobs'`,
  );
  await enqueue({ id: 'after' });
  await expect.poll(() => done, soon).toEqual(['before', 'after']);
});
