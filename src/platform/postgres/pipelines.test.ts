import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startDistanceProxy } from '../../../bench/distance.ts';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { backend, nap, PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import type { CallContext } from '../../base/call-context.ts';
import { Cancelled } from '../../base/deadline.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Pipelines } from './pipelines.ts';
import type { Postgres } from './postgres.ts';
import { type Statement, sql } from './statement.ts';

const pool = new PoolFixture();

beforeAll(() => pool.admin.query('create sequence tries'));
beforeEach(() => pool.admin.query("select setval('tries', 1, false)"));

const openOne = (): Postgres => pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });

/** Writes a row when it has taken its time; shares the connections with others of its name. */
const slowNote = (id: number, seconds: number) => ({
  ...sql<{ id: number }>`
    -- test.write_slowly
    insert into notes (id, text) select ${id}::int, nextval('tries') || pg_sleep(${seconds})::text returning id`,
  sharedBy: 1,
});

const write = async (postgres: Postgres, note: Statement<{ id: number }>, context: CallContext): Promise<number> => {
  const [row] = await postgres.query(note, context);
  return row?.id ?? 0;
};

/** A first statement that takes long, once it is under way, and three that follow it on its connection. */
async function line(postgres: Postgres, contexts: readonly CallContext[]): Promise<Promise<number>[]> {
  const first = write(postgres, slowNote(1, 30), contexts[0] ?? testContext());
  await until(async () => (await pool.countRunning('test.write_slowly')) === 1);
  return [
    first,
    ...[2, 3, 4].map((id, index) => write(postgres, slowNote(id, 0.01), contexts[index + 1] ?? testContext())),
  ];
}

const written = async (): Promise<number[]> =>
  (await pool.admin.query('select id from notes order by id')).rows.map(({ id }) => id);

/** How often writing was begun. */
const tries = async (): Promise<number> =>
  Number((await pool.admin.query("select nextval('tries')")).rows[0].nextval) - 1;

describe('statements that share a connection', () => {
  test('are on it together, and each gets its own answer, however long that takes in all', async () => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000, statementTimeoutMs: 2_000 });
    await postgres.ping(testContext());
    const writing = [1, 2, 3, 4, 5].map((id) => write(postgres, slowNote(id, 0.5), testContext()));
    // What is of another kind has a connection of its own, when one is free.
    const other = postgres.query(nap(0), testContext());
    await until(() => postgres.poolStatus().active === 1 && postgres.poolStatus().waiting === 1);
    expect(await Promise.all(writing)).toEqual([1, 2, 3, 4, 5]);
    expect(await other).toHaveLength(1);
  });

  test('are spread over the connections that are their part, and leave one to others', async () => {
    const postgres = pool.open({ poolSize: 10, poolOverflow: 0 });
    const ids = Array.from({ length: 18 }, (_, index) => index + 1);
    const writing = ids.map((id) => write(postgres, slowNote(id, 0.5), testContext()));
    await until(async () => (await pool.countRunning('test.write_slowly')) >= 9);
    expect(postgres.poolStatus().active).toBe(9);
    expect(await postgres.query(nap(0), testContext())).toHaveLength(1);
    expect(await Promise.all(writing)).toEqual(ids);
  });

  test('do not keep it for ever from others who wait in line', async () => {
    const postgres = openOne();
    let isServed = false;
    let id = 0;
    const keepBusy = async (): Promise<void> => {
      while (!isServed) await write(postgres, slowNote(++id, 0.02), testContext());
    };
    const busy = Promise.all([keepBusy(), keepBusy(), keepBusy()]);
    await until(() => id > 6);
    const other = await postgres.query(nap(0), testContext()).finally(() => {
      isServed = true;
    });
    expect(other).toHaveLength(1);
    await busy;
  });

  test.each([
    ['its time is over', 0.2, () => {}],
    ['those of before are to be left', 3_600, (postgres: Postgres) => postgres.refresh()],
  ])('have it replaced when %s, though they never let it rest', async (_why, maxAgeSeconds, happen) => {
    const postgres = pool.open({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000, maxAgeSeconds });
    const answerSlowly = {
      ...sql<{ pid: number }>`
        -- test.answer_slowly
        select pg_backend_pid() as pid from pg_sleep(0.05)`,
      sharedBy: 1,
    };
    const pids = new Set<number | undefined>();
    const untilMs = performance.now() + 4_000;
    const keepBusy = async (): Promise<void> => {
      while (pids.size < 2 && performance.now() < untilMs) {
        pids.add((await postgres.query(answerSlowly, testContext()))[0]?.pid);
      }
    };
    const busy = Array.from({ length: 20 }, keepBusy);
    await until(() => pids.size > 0);
    happen(postgres);
    await Promise.all(busy);
    expect(pids.size).toBe(2);
  });

  test('take no more than their part when they may follow no longer, because others wait in line', async () => {
    const postgres = pool.open({ poolSize: 2, poolOverflow: 0, poolWaitMs: 5_000 });
    const first = write(postgres, slowNote(1, 3), testContext());
    const others = [1, 2].map(() => postgres.query(nap(0.5), testContext()));
    await sleep(300);
    const more = [2, 3].map((id) => write(postgres, slowNote(id, 3), testContext()));
    await Promise.all(others);
    expect(postgres.poolStatus().active).toBe(1);
    expect(await postgres.query(nap(0), testContext(1_000))).toHaveLength(1);
    expect(await Promise.all([first, ...more])).toEqual([1, 2, 3]);
  });

  test('go on when the one before them is cancelled, which is then gone from the server', async () => {
    const postgres = openOne();
    const context = testContext();
    const [first, ...others] = await line(postgres, [context]);
    context.deadline.cancel();
    await expect(first).rejects.toBeInstanceOf(Cancelled);
    expect(await Promise.all(others)).toEqual([2, 3, 4]);
    expect(await written()).toEqual([2, 3, 4]);
  });

  test('are cancelled in their turn, without harm to the one before them', async () => {
    const postgres = openOne();
    const context = testContext();
    const first = write(postgres, slowNote(1, 0.3), testContext());
    await until(async () => (await pool.countRunning('test.write_slowly')) === 1);
    const second = write(postgres, slowNote(2, 30), context);
    await sleep(50);
    context.deadline.cancel();
    await expect(second).rejects.toBeInstanceOf(Cancelled);
    expect(await first).toBe(1);
    expect(await postgres.query(nap(0), testContext())).toHaveLength(1);
    // At the first try.
    expect((await pool.admin.query('select id, text from notes')).rows).toEqual([{ id: 1, text: '1' }]);
  });

  test('are run again when the cancel of the one before them hits them', async () => {
    const { hostname, port, href } = new URL(pool.database.url);
    // Far enough that the one before has ended at the server, and the next one runs, when nobody here knows of it.
    const distance = await startDistanceProxy({ target: { host: hostname, port: Number(port) }, delayMs: 150 });
    onTestFinished(() => distance.close());
    const url = new URL(href);
    url.port = String(distance.port);
    const postgres = pool.open({ url: url.href, poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    await postgres.ping(testContext());
    const context = testContext();
    const first = write(postgres, slowNote(1, 0.05), context);
    const second = write(postgres, slowNote(2, 2), testContext());
    const third = write(postgres, slowNote(3, 0), testContext());
    await until(async () => (await written()).includes(1));
    context.deadline.cancel();
    await expect(first).rejects.toBeInstanceOf(Cancelled);
    expect(await Promise.all([second, third])).toEqual([2, 3]);
    expect(await written()).toEqual([1, 2, 3]);
    expect(await tries()).toBe(4);
  });

  test('are done once each when a cancel comes at the moment that the one before them ends', async () => {
    const postgres = openOne();
    const expected: number[] = [];
    for (let round = 0; round < 60; round++) {
      const ids = [1, 2, 3, 4].map((id) => round * 4 + id);
      const context = testContext();
      const [first, ...others] = ids.map((id, index) =>
        write(postgres, slowNote(id, 0.002), index === 0 ? context : testContext()),
      );
      const ended = first?.catch((error: unknown) => error);
      setTimeout(() => context.deadline.cancel(), round % 8);
      expect(await Promise.all(others)).toEqual(ids.slice(1));
      expected.push(...ids.slice(1));
      await ended;
    }
    const rows = await written();
    expect(rows.filter((id) => id % 4 !== 1)).toEqual(expected);
  });

  test('are run again when the one before them was refused before the server knew their text', async () => {
    const url = `${pool.database.url}?options=${encodeURIComponent('-c lock_timeout=100')}`;
    const postgres = pool.open({ url, poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
    const before = await postgres.query(backend(), testContext());
    const read = {
      ...sql`
        -- test.read_notes
        select id from notes`,
      sharedBy: 1,
    };
    await pool.admin.query('begin; lock table notes');
    const reading = await Promise.allSettled([1, 2, 3].map(() => postgres.query(read, testContext())));
    await pool.admin.query('rollback');
    // The lock is waited for when the text is read: each learns that for itself in the end.
    const reason = { code: 'postgres.timeout', status: 503 };
    expect(reading).toMatchObject(Array.from({ length: 3 }, () => ({ status: 'rejected', reason })));
    expect(await postgres.query(read, testContext())).toEqual([]);
    expect(await postgres.query(backend(), testContext())).toEqual(before);
  });

  test('go on when one before them finds the connection to be of yesterday, and runs again on another', async () => {
    await pool.admin.query(`create function raise_once() returns void language plpgsql as $$
      begin
        if nextval('tries') = 1 then raise 'read-only' using errcode = '25006'; end if;
      end $$`);
    const postgres = openOne();
    await postgres.ping(testContext());
    const takeLong = {
      ...sql<{ pid: number }>`
        -- test.raise_once
        select pg_backend_pid() as pid from raise_once(), pg_sleep(0.2)`,
      sharedBy: 1,
    };
    const answers = await Promise.all([1, 2].map(() => postgres.query(takeLong, testContext())));
    const [first, second] = answers.flat();
    expect(first?.pid).not.toBe(second?.pid);
    expect(await tries()).toBe(3);
  });

  test('are all 503 when their connection is lost, and the next call works', async () => {
    const postgres = openOne();
    const writing = Promise.allSettled(await line(postgres, []));
    await pool.admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where state = 'active' and query like '%test.write_slowly%' and pid <> pg_backend_pid()`,
    );
    const reason = { code: 'postgres.unavailable', status: 503 };
    expect(await writing).toMatchObject(Array.from({ length: 4 }, () => ({ status: 'rejected', reason })));
    expect(await write(postgres, slowNote(5, 0), testContext())).toBe(5);
  });

  test('are all 503 when the server falls silent, as soon as the first of them', async () => {
    const proxy = await startFaultProxy(pool.database.url);
    onTestFinished(() => proxy.close());
    const postgres = pool.open({ url: proxy.url, poolSize: 1, poolOverflow: 0, statementTimeoutMs: 500 });
    await postgres.ping(testContext());
    proxy.setMode('black-hole');
    const writing = Promise.allSettled([1, 2, 3].map((id) => write(postgres, slowNote(id, 0), testContext())));
    const reason = { code: 'postgres.unavailable', status: 503 };
    expect(await writing).toMatchObject(Array.from({ length: 3 }, () => ({ status: 'rejected', reason })));
  });
});

test('a connection that comes in the moment that everyone has left goes back', async () => {
  const client = {} as PoolClient;
  const served = Promise.withResolvers<PoolClient>();
  const released: unknown[] = [];
  const line = { acquire: () => served.promise, release: (...args: unknown[]) => released.push(args), capacity: 1 };
  const pipelines = new Pipelines(line as unknown as ConnectionPool);
  const context = testContext();
  const waiting = pipelines.acquire(slowNote(1, 0), 1_000, context);
  context.deadline.cancel();
  await expect(waiting).rejects.toBeInstanceOf(Cancelled);
  served.resolve(client);
  await served.promise;
  expect(released).toEqual([[client, false]]);
});
