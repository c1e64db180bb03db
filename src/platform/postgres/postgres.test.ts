import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startDistanceProxy } from '../../../bench/distance.ts';
import { addNote, backend, nap, PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import { createLogger } from '../log/index.ts';
import { isOutcomeUnknown } from './errors.ts';
import { openPostgres, type StatementObservation } from './postgres.ts';
import { sql } from './statement.ts';

const pool = new PoolFixture();

describe('values', () => {
  test('int8 is a number, timestamptz a Date, jsonb parsed, and the session is in UTC', async () => {
    const rows = await pool.open().query(
      sql<Record<string, unknown>>`
        -- test.values
        select 9007199254740991::int8 as big, array[1, null]::int8[] as bigs, '{"a":[1]}'::jsonb as json,
          '2026-01-02T03:04:05.678Z'::timestamptz as at, '\\x00ff'::bytea as bytes, current_setting('timezone') as zone`,
      testContext(),
    );
    expect(rows).toEqual([
      {
        big: Number.MAX_SAFE_INTEGER,
        bigs: [1, null],
        json: { a: [1] },
        at: new Date('2026-01-02T03:04:05.678Z'),
        bytes: Buffer.from([0, 255]),
        zone: 'UTC',
      },
    ]);
  });

  test('are read and tables are found as ever where the database is set to other ways', async () => {
    const { admin } = pool;
    const name = admin.escapeIdentifier(admin.database ?? '');
    await admin.query(`create schema elsewhere; create table elsewhere.users (n integer);
      alter database ${name} set search_path = elsewhere, public; alter database ${name} set datestyle = 'German';
      alter database ${name} set array_nulls = off`);
    onTestFinished(async () => {
      await admin.query(`drop schema elsewhere cascade; alter database ${name} reset all`);
    });
    const rows = await pool.open().query(
      sql<{ at: Date; is_public: boolean; texts: (string | null)[] }>`
        -- test.settings_of_database
        select '2026-02-01T03:04:05.678Z'::timestamptz as at, 'users'::regclass::oid = 'public.users'::regclass::oid as is_public,
          ${[null]}::text[] as texts`,
      testContext(),
    );
    expect(rows).toEqual([{ at: new Date('2026-02-01T03:04:05.678Z'), is_public: true, texts: [null] }]);
  });

  test('an int8 beyond 2^53 fails its statement rather than lose digits', async () => {
    const tooBig = sql`
      -- test.too_big
      select 9007199254740993::int8`;
    await expect(pool.open().query(tooBig, testContext())).rejects.toThrow(RangeError);
  });
});

describe('a connection', () => {
  test('has the settings of the pool, beside the options of the URL', async () => {
    const url = `${pool.database.url}?options=${encodeURIComponent('-c work_mem=5MB -c idle_session_timeout=100')}`;
    const postgres = pool.open({ url, statementTimeoutMs: 7_000 });
    const settings = sql`
      -- test.settings
      select current_setting('statement_timeout') as statement, current_setting('client_connection_check_interval') as check,
        current_setting('application_name') as name, current_setting('work_mem') as memory,
        current_setting('idle_in_transaction_session_timeout') as idle, current_setting('plan_cache_mode') as plans,
        current_setting('idle_session_timeout') as idle_session, current_setting('tcp_keepalives_idle') as silent,
        current_setting('tcp_keepalives_interval') as asked, current_setting('tcp_keepalives_count') as times,
        current_setting('enable_seqscan') as reads_whole_tables, current_setting('jit') as compiles`;
    expect(await postgres.query(settings, testContext())).toEqual([
      {
        statement: '7s',
        check: '1s',
        name: 'evenkeel',
        memory: '5MB',
        idle: '7s',
        plans: 'force_generic_plan',
        idle_session: '0',
        silent: '15',
        asked: '5',
        times: '3',
        reads_whole_tables: 'off',
        compiles: 'off',
      },
    ]);
  });

  test('prepares a statement under its name, and at most 250 of them', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    for (let i = 0; i < 260; i++) {
      await postgres.query({ name: `test.s${i}`, text: `select ${i}`, values: [] }, testContext());
    }
    await postgres.query({ name: 'test.s1', text: 'select 1', values: [] }, testContext());
    const count = sql<{ n: number }>`
      -- test.count
      select count(*) as n from pg_prepared_statements where name like 'test.s%'`;
    expect(await postgres.query(count, testContext())).toEqual([{ n: 250 }]);
  });

  test('is closed when it is older than the pool allows, idle or not', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, maxAgeSeconds: 0.1, poolWaitMs: 5_000 });
    await postgres.query(backend(), testContext());
    await until(() => postgres.poolStatus().total === 0);
    // Always two callers for one connection: it is never idle.
    const pids = new Set<number | undefined>();
    const keepBusy = async (): Promise<void> => {
      while (pids.size < 2) pids.add((await postgres.query(backend(), testContext()))[0]?.pid);
    };
    await Promise.all([keepBusy(), keepBusy(), keepBusy()]);
  });

  test.each([
    ['whose server has forgotten what was prepared on it', 'deallocate all'],
    ['that is left in a transaction', 'begin'],
  ])('%s is replaced, and the caller served', async (_which, text) => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    const [before] = await postgres.query(backend(), testContext());
    await postgres.query({ name: 'test.spoil', text, values: [] }, testContext());
    const [after] = await postgres.query(backend(), testContext());
    expect(after?.pid).not.toBe(before?.pid);
  });

  test('that was used since is not checked, however old; one that was idle for long is', async () => {
    await pool.admin.query('create extension if not exists pg_stat_statements');
    const checks = async () => {
      const { rows } = await pool.admin.query(`select calls::int from pg_stat_statements s
        join pg_database d on d.oid = s.dbid where d.datname = current_database() and query = 'select $1'`);
      return rows.map(({ calls }) => calls);
    };
    await pool.admin.query(
      'select pg_stat_statements_reset(0, oid) from pg_database where datname = current_database()',
    );
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    for (let round = 0; round < 3; round++) {
      await Promise.all([1, 2, 3].map(() => postgres.query(backend(), testContext())));
      vi.advanceTimersByTime(29_000);
    }
    expect(await checks()).toEqual([]);
    vi.advanceTimersByTime(1_000);
    await postgres.query(backend(), testContext());
    expect(await checks()).toEqual([1]);
  });

  test('beyond those kept is closed soon after use', async () => {
    const postgres = pool.open({ poolSize: 2, poolOverflow: 4 });
    expect(postgres.poolStatus().overflow).toBe(0);
    await Promise.all(Array.from({ length: 6 }, () => postgres.query(nap(0.1), testContext())));
    expect(postgres.poolStatus()).toMatchObject({ total: 6, overflow: 4, active: 0, idle: 6 });
    await until(() => postgres.poolStatus().total === 2);
    expect(postgres.poolStatus().overflow).toBe(0);
  });
});

test('a sign of life tells whether the server takes writes by now, at the cost of few connections', async () => {
  const { database } = pool.admin;
  await pool.admin.query(`alter database ${database} set default_transaction_read_only = on`);
  const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
  const isReadOnly = async () => (await postgres.ping(testContext())).isReadOnly;
  const pids = new Set<unknown>();
  for (let round = 0; round < 20; round++) {
    expect(await isReadOnly()).toBe(true);
    for (const { pid } of await postgres.query(backend(), testContext())) pids.add(pid);
  }
  await pool.admin.query(`alter database ${database} reset default_transaction_read_only`);
  expect(pids.size).toBeLessThan(5);
  await until(async () => !(await isReadOnly()));
});

test('a server that is read-only is 503 unavailable, and has surely done nothing', async () => {
  const url = `${pool.database.url}?options=${encodeURIComponent('-c default_transaction_read_only=on')}`;
  const postgres = pool.open({ url, poolSize: 1, poolOverflow: 0 });
  const error = await postgres.query(addNote(1, 'x'), testContext()).catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'postgres.unavailable', cause: { code: '25006' } });
  expect(isOutcomeUnknown(error)).toBe(false);
});

describe('callers', () => {
  test('three times as many as connections are all served', async () => {
    const postgres = pool.open({ poolSize: 3, poolOverflow: 2, poolWaitMs: 5_000 });
    const calls = Array.from({ length: 15 }, (_, id) => postgres.query(addNote(id, 'x'), testContext()));
    expect((await Promise.all(calls)).flat().map(({ id }) => id)).toEqual(Array.from({ length: 15 }, (_, id) => id));
    await until(() => postgres.poolStatus().active === 0);
    expect(postgres.poolStatus().waiting).toBe(0);
    expect(postgres.poolStatus().total).toBeLessThanOrEqual(5);
  });

  test('wait for a connection at most the bound, then get 503 overloaded', async () => {
    // Long enough to open two connections on a busy machine.
    const postgres = pool.open({ poolSize: 1, poolOverflow: 1, poolWaitMs: 2_000 });
    const busy = [postgres.query(nap(5), testContext()), postgres.query(nap(5), testContext())];
    await until(() => postgres.poolStatus().active === 2 && postgres.poolStatus().waiting === 0);
    expect(postgres.poolStatus()).toMatchObject({ utilisation: 1, status: 'CRITICAL' });
    const startedAtMs = performance.now();
    const context = testContext();
    await expect(postgres.query(backend(), context)).rejects.toMatchObject({
      code: 'postgres.overloaded',
      status: 503,
    });
    expect(performance.now() - startedAtMs).toBeGreaterThan(1_990);
    expect(Object.keys(context.timings.rounded())).toEqual(['pool']);
    await Promise.all(busy);
  });

  test('leave the line when their deadline ends or is cancelled, and the connection serves the next', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    const busy = postgres.query(nap(0.3), testContext());
    await until(() => postgres.poolStatus().active === 1 && postgres.poolStatus().waiting === 0);
    const late = postgres.query(backend(), testContext(50));
    const gone = testContext();
    const left = postgres.query(backend(), gone);
    gone.deadline.cancel();
    await expect(left).rejects.toBeInstanceOf(Cancelled);
    await expect(late).rejects.toBeInstanceOf(DeadlineExceeded);
    expect(postgres.poolStatus().waiting).toBe(0);
    await busy;
    expect(await postgres.query(backend(), testContext())).toHaveLength(1);
  });

  test('get a connection that comes free when the server refuses to give another', async () => {
    const postgres = pool.open({
      url: await pool.limitedRole('single', 1),
      poolSize: 1,
      poolOverflow: 1,
      poolWaitMs: 5_000,
    });
    await postgres.ping(testContext());
    // The server refuses a second connection; its caller gets the first one when that is free again.
    const busy = postgres.query(nap(0.3), testContext());
    await expect(postgres.query(backend(), testContext())).resolves.toHaveLength(1);
    await busy;
    // Time stands still: the next attempt to open another never comes, and is not waited for.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    for (const _ of [1, 2]) expect(await postgres.query(backend(), testContext())).toHaveLength(1);
  });

  test('see where the time went', async () => {
    const context = testContext();
    await pool.open().query(nap(0.02), context);
    const steps = context.timings.rounded();
    expect(Object.keys(steps)).toEqual(['pool', 'sql']);
    expect(steps.sql).toBeGreaterThan(19);
  });
});

describe('close', () => {
  const ofPool = "application_name = 'evenkeel' and datname = current_database()";

  test('lets what runs and waits finish, and refuses what comes after', async () => {
    const postgres = openPostgres({
      url: pool.database.url,
      log: createLogger({ level: 'silent' }),
      poolSize: 1,
      poolOverflow: 0,
    });
    await postgres.ping(testContext());
    const running = postgres.query(nap(0.2), testContext());
    const waiting = postgres.query(backend(), testContext());
    const closing = postgres.close();
    await expect(postgres.query(backend(), testContext())).rejects.toMatchObject({ code: 'postgres.unavailable' });
    await expect(running).resolves.toHaveLength(1);
    await expect(waiting).resolves.toHaveLength(1);
    await closing;
    await until(async () => {
      const { rows } = await pool.admin.query(`select from pg_stat_activity where ${ofPool}`);
      return rows.length === 0;
    });
  });

  test('warns of no connection that the server ends, or that is still being opened, meanwhile', async () => {
    const { href, port } = new URL(pool.database.url);
    const distance = await startDistanceProxy({ target: { host: '127.0.0.1', port: Number(port) }, delayMs: 50 });
    onTestFinished(() => distance.close());
    const url = href.replace(port, String(distance.port));
    const lines: string[] = [];
    const log = createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } });
    // To connect takes several round trips, on a busy machine longer than the pool waits.
    const patience = { poolWaitMs: 5_000 };
    const postgres = openPostgres({ url, log, poolSize: 2, poolOverflow: 0, ...patience });
    await postgres.ping(testContext());
    const [running] = [postgres.ping(testContext()), postgres.ping(testContext(10)).catch(() => undefined)];
    await running;
    const closing = postgres.close();
    await pool.admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${ofPool}`);
    await closing;
    await sleep(300);
    expect(lines).toEqual([]);
  });
});

test('the observer is told of a statement that waited for a connection in vain', async () => {
  const observed: StatementObservation[] = [];
  const observe = (observation: StatementObservation) => void observed.push(observation);
  const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 200, observe });
  await until(() => postgres.ping(testContext()).then(Boolean, () => false));
  const busy = postgres.query(nap(1), testContext());
  const late = sql`
    -- test.late
    select 1`;
  await expect(postgres.query(late, testContext())).rejects.toMatchObject({ code: 'postgres.overloaded' });
  await busy;
  const [waited] = observed.filter(({ name }) => name === 'test.late');
  expect(waited).toMatchObject({ durationMs: undefined, isFailed: true });
  expect(waited?.waitMs).toBeGreaterThan(190);
});
