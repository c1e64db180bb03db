import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { addNote, backend, nap, PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import { isOutcomeUnknown, isReferenceMissing, sqlState } from './errors.ts';
import { sql } from './statement.ts';

const pool = new PoolFixture();

describe('a cancelled statement', () => {
  test('is gone from the server, and the next user of its connection sees nothing of it', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    const [before] = await postgres.query(backend(), testContext());
    for (let round = 0; round < 20; round++) {
      const context = testContext();
      const napping = postgres.query(nap(30), context);
      await until(async () => (await pool.countRunning('test.nap')) === 1);
      context.deadline.cancel();
      const next = postgres.query(backend(), testContext());
      await expect(napping).rejects.toBeInstanceOf(Cancelled);
      // The same connection, and not disturbed by a cancel that comes late.
      expect(await next).toEqual([{ pid: before?.pid }]);
      expect(await pool.countRunning('test.nap')).toBe(0);
    }
  });

  test('rejects with the deadline itself when the time is up', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    await postgres.ping(testContext());
    const startedAtMs = performance.now();
    await expect(postgres.query(nap(30), testContext(100))).rejects.toBeInstanceOf(DeadlineExceeded);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    await until(async () => (await pool.countRunning('test.nap')) === 0);
  });

  test('that ends by itself at the same moment leaves the connection in order', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    for (let round = 0; round < 100; round++) {
      const context = testContext();
      const racing = postgres.query(nap(0.002), context).catch((error) => error);
      setTimeout(() => context.deadline.cancel(), round % 8);
      await racing;
      expect(await postgres.query(backend(), testContext())).toHaveLength(1);
    }
  });
});

describe('a server in trouble', () => {
  test('an idle connection that is ended does not end the process, and the next call works', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    const [first] = await postgres.query(backend(), testContext());
    await pool.admin.query('select pg_terminate_backend($1)', [first?.pid]);
    await until(() => postgres.poolStatus().total === 0);
    const [second] = await postgres.query(backend(), testContext());
    expect(second?.pid).not.toBe(first?.pid);
  });

  test('a connection ended in mid statement is 503 unavailable', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    const [first] = await postgres.query(backend(), testContext());
    const napping = postgres.query(nap(30), testContext()).catch((error) => error);
    await until(async () => (await pool.countRunning('test.nap')) === 1);
    await pool.admin.query('select pg_terminate_backend($1)', [first?.pid]);
    const error = await napping;
    expect(error).toMatchObject({ code: 'postgres.unavailable', status: 503, retryAfterMs: 1_000 });
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(await postgres.query(backend(), testContext())).toHaveLength(1);
  });

  test('a connection ended for a reason of its own is 503 unavailable, and its next user has another', async () => {
    const url = `${pool.database.url}?options=${encodeURIComponent('-c transaction_timeout=200')}`;
    const postgres = pool.open({ url, poolSize: 1, poolOverflow: 0 });
    const napping = postgres.query(nap(5), testContext()).catch((error) => error);
    const next = postgres.query(backend(), testContext());
    const error = await napping;
    expect(error).toMatchObject({ code: 'postgres.unavailable', status: 503, cause: { code: '25P04' } });
    expect(isOutcomeUnknown(error)).toBe(true);
    expect(await next).toHaveLength(1);
  });

  test('a frozen backend is 503 at the bound, and its socket is destroyed', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, statementTimeoutMs: 300, poolWaitMs: 2_000 });
    const [frozen] = await postgres.query(backend(), testContext());
    const pid = frozen?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const startedAtMs = performance.now();
      await expect(postgres.query(nap(0), testContext())).rejects.toMatchObject({ code: 'postgres.unavailable' });
      const tookMs = performance.now() - startedAtMs;
      expect(tookMs).toBeGreaterThan(750);
      expect(tookMs).toBeLessThan(4_000);
      const [other] = await postgres.query(backend(), testContext());
      expect(other?.pid).not.toBe(pid);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('a frozen backend whose caller gives up costs its connection, also those who share it', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    const [frozen] = await postgres.query(backend(), testContext());
    const pid = frozen?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const shared = { ...nap(0), sharedBy: 1 };
      const asking = [100, 20_000].map((ms) => postgres.query(shared, testContext(ms)).catch((error) => error));
      expect(await Promise.all(asking)).toMatchObject([{ name: 'DeadlineExceeded' }, { code: 'postgres.unavailable' }]);
      expect(await postgres.query(backend(), testContext())).not.toEqual([frozen]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('connections that the network forgot while they were idle cost one caller one check', async () => {
    const proxy = await startFaultProxy(pool.database.url);
    onTestFinished(() => proxy.close());
    // Less than five checks take.
    const options = { url: proxy.url, poolSize: 5, poolOverflow: 0, checkAfterIdleMs: 50, poolWaitMs: 1_500 };
    const postgres = pool.open(options);
    await Promise.all([1, 2, 3, 4, 5].map(() => postgres.query(nap(0.1), testContext())));
    await sleep(100);
    proxy.forget();
    expect(await postgres.query(backend(), testContext())).toHaveLength(1);
  });

  test('that is read-only is left for another one, also when connections were just replaced for another reason', async () => {
    await pool.admin.query(`create sequence left_read_only`);
    await pool.admin.query(`create function write_elsewhere() returns int language plpgsql as $$
      begin
        if nextval('left_read_only') = 1 then raise 'read-only' using errcode = '25006'; end if;
        return pg_backend_pid();
      end $$`);
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    await postgres.ping(testContext());
    postgres.refresh();
    const [here] = await postgres.query(backend(), testContext());
    const write = sql<{ pid: number }>`
      -- test.write_elsewhere
      select write_elsewhere() as pid`;
    const [elsewhere] = await postgres.query(write, testContext());
    expect(elsewhere?.pid).not.toBe(here?.pid);
  });

  test('a connection that died while idle is found out before use', async () => {
    const postgres = pool.open({ poolSize: 2, poolOverflow: 0, checkAfterIdleMs: 0, poolWaitMs: 5_000 });
    const [frozen] = await postgres.query(backend(), testContext());
    const pid = frozen?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const [other] = await postgres.query(backend(), testContext());
      expect(other?.pid).not.toBe(pid);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('that cannot be reached is 503 unavailable at the wait bound', async () => {
    const url = new URL(pool.database.url);
    url.port = '1';
    const postgres = pool.open({ url: url.href, poolWaitMs: 150 });
    const startedAtMs = performance.now();
    const error = await postgres.query(backend(), testContext()).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'postgres.unavailable', cause: { cause: { code: 'ECONNREFUSED' } } });
    expect(isOutcomeUnknown(error)).toBe(false);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });
});

describe('an error of the server', () => {
  test('that is the fault of the statement reaches the caller as it is', async () => {
    const postgres = pool.open();
    await postgres.query(addNote(1, 'x'), testContext());
    await expect(postgres.query(addNote(1, 'y'), testContext())).rejects.toMatchObject({
      code: '23505',
      constraint: 'notes_pkey',
    });
  });

  test('tells whether what a row refers to by an id alone is missing', async () => {
    await pool.admin.query(`
      create table owners (id uuid primary key, unique (id, name), name text);
      create table things (owner_id uuid unique references owners, name text, constraint named foreign key (owner_id, name)
        references owners (id, name))`);
    const [there, gone] = [newId(), newId()];
    await pool.admin.query('insert into owners values ($1, $2)', [there, 'x']);
    await pool.admin.query('insert into things values ($1, $2)', [there, 'x']);
    const postgres = pool.open();
    const add = (ownerId: string, name: string | null) =>
      postgres
        .query(
          sql`
            -- test.add_thing
            insert into things values (${ownerId}::uuid, ${name})`,
          testContext(),
        )
        .catch((error: unknown) => error);
    const missing = await add(gone, null);
    expect(missing).toMatchObject({ code: '23503', constraint: 'things_owner_id_fkey' });
    expect([isReferenceMissing(missing, gone), isReferenceMissing(missing, there)]).toEqual([true, false]);
    const taken = await add(there, null);
    expect([sqlState(taken), isReferenceMissing(taken, there)]).toEqual(['23505', false]);
    await pool.admin.query('truncate things');
    const misnamed = await add(there, 'y');
    expect(misnamed).toMatchObject({ code: '23503', constraint: 'named' });
    expect(isReferenceMissing(misnamed, there)).toBe(false);
  });

  test('a statement or lock timeout is 503 timeout', async () => {
    const postgres = pool.open({ statementTimeoutMs: 100 });
    await expect(postgres.query(nap(5), testContext())).rejects.toMatchObject({
      code: 'postgres.timeout',
      status: 503,
    });
    const url = `${pool.database.url}?options=${encodeURIComponent('-c lock_timeout=50')}`;
    await pool.admin.query('begin; lock table notes');
    try {
      const locked = pool.open({ url }).query(addNote(2, 'x'), testContext());
      await expect(locked).rejects.toMatchObject({ code: 'postgres.timeout' });
    } finally {
      await pool.admin.query('rollback');
    }
  });

  test('that says the server is full, going down or read-only is 503', async () => {
    await pool.admin.query(`create or replace function fail(state text) returns void language plpgsql as $$ begin
      raise exception using errcode = state; end $$`);
    const postgres = pool.open();
    const fail = (state: string) => sql`
      -- test.fail
      select fail(${state}::text)`;
    const codes = {
      '53100': 'postgres.overloaded',
      '53200': 'postgres.overloaded',
      '57P01': 'postgres.unavailable',
      '57P03': 'postgres.unavailable',
      '08006': 'postgres.unavailable',
      '58030': 'postgres.unavailable',
      '25006': 'postgres.unavailable',
      '55P03': 'postgres.timeout',
      '40001': 'postgres.overloaded',
    };
    for (const [state, code] of Object.entries(codes)) {
      const failing = postgres.query(fail(state), testContext());
      await expect(failing).rejects.toMatchObject({ code, status: 503, retryAfterMs: 1_000 });
    }
  });

  test('too many connections is 503 overloaded', async () => {
    const postgres = pool.open({ url: await pool.limitedRole('none', 0), poolWaitMs: 2_000 });
    await expect(postgres.query(backend(), testContext())).rejects.toMatchObject({ code: 'postgres.overloaded' });
  });

  test('a deadlock is tried again and the callers see success', async () => {
    const postgres = pool.open({ poolSize: 4 });
    await pool.admin.query(`insert into notes values (1, ''), (2, '')`);
    await pool.admin.query(`create or replace function touch(first int, second int) returns void language plpgsql as $$ begin
      update notes set text = text || 'x' where id = first; perform pg_sleep(0.2);
      update notes set text = text || 'x' where id = second; end $$`);
    const touch = (first: number, second: number) => sql`
      -- test.touch
      select touch(${first}::int, ${second}::int)`;
    await Promise.all([postgres.query(touch(1, 2), testContext()), postgres.query(touch(2, 1), testContext())]);
    const { rows } = await pool.admin.query('select text from notes order by id');
    expect(rows).toEqual([{ text: 'xx' }, { text: 'xx' }]);
  });

  test('a serialization failure is tried again three times, and no more', async () => {
    const postgres = pool.open();
    // A sequence keeps what was taken of it by a statement that failed.
    await pool.admin.query(`create or replace function conflict(name text, times int) returns bigint language plpgsql as $$
      declare tried bigint := nextval(name); begin
      if tried <= times then raise exception using errcode = '40001'; end if; return tried; end $$`);
    const conflict = (name: string, times: number) => sql<{ tried: number }>`
      -- test.conflict
      select conflict(${name}, ${times}::int) as tried`;
    for (const name of ['often', 'too_often']) await pool.admin.query(`create sequence ${name}`);
    expect(await postgres.query(conflict('often', 3), testContext())).toEqual([{ tried: 4 }]);
    const refused = postgres.query(conflict('too_often', 100), testContext());
    await expect(refused).rejects.toMatchObject({ code: 'postgres.overloaded', status: 503 });
    expect((await pool.admin.query('select last_value::int as tried from too_often')).rows).toEqual([{ tried: 4 }]);
  });

  test('read-only after a failover is tried again on new connections', async () => {
    const name = (await pool.admin.query('select current_database() as name')).rows[0].name;
    await pool.admin.query(`alter database ${name} set default_transaction_read_only = on`);
    const postgres = pool.open({ poolSize: 3 });
    await Promise.all([1, 2, 3].map(() => postgres.query(nap(0.1), testContext())));
    await pool.admin.query(`alter database ${name} reset default_transaction_read_only`);
    const written = await Promise.all([7, 8, 9].map((id) => postgres.query(addNote(id, 'x'), testContext())));
    expect(written.flat()).toEqual([{ id: 7 }, { id: 8 }, { id: 9 }]);
  });

  test('read-only for good keeps its connections for those who read', async () => {
    const name = (await pool.admin.query('select current_database() as name')).rows[0].name;
    await pool.admin.query(`alter database ${name} set default_transaction_read_only = on`);
    const postgres = pool.open({ poolSize: 3 });
    const writing = () => postgres.query(addNote(7, 'x'), testContext()).catch((error) => error.code);
    const refused = new Set<unknown>();
    const readers = new Set<unknown>();
    for (let round = 0; round < 20; round++) {
      refused.add(await writing());
      for (const { pid } of await postgres.query(backend(), testContext())) readers.add(pid);
    }
    await pool.admin.query(`alter database ${name} reset default_transaction_read_only`);
    expect(refused).toEqual(new Set(['postgres.unavailable']));
    // Not one for each write: after a while it is looked anew.
    expect(readers.size).toBeLessThan(5);
  });

  test('a prepared statement outlives a migration that changes its columns', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0 });
    await pool.admin.query('create table changing (a int)');
    const all = () => sql`
      -- test.all
      select * from changing`;
    await postgres.query(all(), testContext());
    await pool.admin.query('alter table changing add column b int');
    expect(await postgres.query(all(), testContext())).toEqual([]);
  });
});
