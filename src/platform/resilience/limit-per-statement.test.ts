import { expect, test } from 'vitest';
import { addNote, backend, nap, PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { nextTurn } from '../../../test/harness/step-database.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Cancelled } from '../../base/deadline.ts';
import { systemClock } from '../../base/time.ts';
import type { Database } from '../postgres/index.ts';
import { limitPerStatement } from './limit-per-statement.ts';

const pool = new PoolFixture();

function open(maxInFlight: number, waitMs: number): Database {
  const postgres = pool.open({ poolSize: 4, poolOverflow: 0, poolWaitMs: 5_000 });
  return limitPerStatement(postgres, { clock: systemClock, maxInFlight, waitMs });
}

/** So many calls of the slow statement, and how to end them. */
async function occupy(database: Database, count: number): Promise<() => Promise<void>> {
  const contexts = Array.from({ length: count }, () => testContext(30_000));
  const calls = contexts.map((context) => database.query(nap(30), context).catch((error) => error));
  return async () => {
    for (const { deadline } of contexts) deadline.cancel();
    await Promise.all(calls);
  };
}

test('one slow statement leaves connections to the others', async () => {
  const database = open(2, 200);
  const end = await occupy(database, 20);
  await until(async () => (await pool.countRunning('test.nap')) === 2);
  expect(await database.query(backend(), testContext(5_000))).toHaveLength(1);
  expect(await database.query(addNote(1, 'x'), testContext(5_000))).toHaveLength(1);
  expect(await pool.countRunning('test.nap')).toBe(2);
  await end();
});

test('several slow statements leave connections to the others, and come to have equal parts', async () => {
  const running: { name: string; end: () => void }[] = [];
  const slow: Database = {
    query: ({ name }) =>
      new Promise((resolve) => {
        running.push({ name, end: () => resolve([]) });
      }),
  };
  const database = limitPerStatement(slow, { clock: systemClock, maxInFlight: 4, waitMs: 60_000 });
  const namesRunning = () => running.map(({ name }) => name);
  const calls = [nap(1), addNote(1, 'x')].flatMap((statement) =>
    Array.from({ length: 6 }, () => database.query<unknown>(statement, testContext(60_000))),
  );
  expect(namesRunning()).toEqual([...Array(4).fill('test.nap'), 'test.add_note']);
  calls.push(database.query(backend(), testContext(60_000)));
  expect(namesRunning().at(-1)).toBe('test.backend');
  const endFirst = async (name: string): Promise<void> => {
    const [ended] = running.splice(namesRunning().indexOf(name), 1);
    ended?.end();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await endFirst('test.backend');
  for (let ended = 0; ended < 3; ended++) await endFirst('test.nap');
  expect(namesRunning().toSorted()).toEqual([...Array(2).fill('test.add_note'), ...Array(2).fill('test.nap')]);
  while (running.length > 0) await endFirst(namesRunning()[0] ?? '');
  expect(await Promise.all(calls)).toHaveLength(13);
});

test('who waits in line goes as soon as there is room, in order', async () => {
  const database = open(1, 20_000);
  const order: number[] = [];
  const calls = [1, 2, 3, 4].map((id) =>
    database.query(addNote(id, 'x'), testContext(20_000)).then(() => order.push(id)),
  );
  await Promise.all(calls);
  expect(order).toEqual([1, 2, 3, 4]);
});

test('who has waited too long is 503 overloaded, and the wait is in the timings', async () => {
  const database = open(1, 100);
  const end = await occupy(database, 1);
  const context = testContext(5_000);
  const waiting = database.query(nap(30), context);
  await expect(waiting).rejects.toMatchObject({ code: 'postgres.overloaded', status: 503, retryAfterMs: 1_000 });
  expect(context.timings.rounded().pool).toBeGreaterThan(90);
  await end();
  // No place was kept for it.
  expect(await database.query(nap(0), testContext(5_000))).toHaveLength(1);
});

test.each([
  ['others may', 100, 5_000],
  ['its own deadline', 20_000, 200],
])('who would wait longer than %s, going by the last ones, is refused at once', async (_what, waitMs, budgetMs) => {
  const database = open(1, waitMs);
  await database.query(nap(0.3), testContext(5_000));
  const end = await occupy(database, 2);
  const context = testContext(budgetMs);
  await expect(database.query(nap(30), context)).rejects.toMatchObject({ code: 'postgres.overloaded' });
  expect(context.timings.rounded().pool).toBeLessThan(90);
  await end();
});

test('who waits for several that run is expected to wait the shorter', async () => {
  const clock = new TestClock();
  const running: (() => void)[] = [];
  const slow: Database = { query: () => new Promise((resolve) => running.push(() => resolve([]))) };
  const database = limitPerStatement(slow, { clock, maxInFlight: 3, waitMs: 25_000 });
  const ask = () => database.query(nap(0), testContext(60_000));
  const first = ask();
  clock.advance(10_000);
  running.shift()?.();
  await first;
  const calls = Array.from({ length: 7 }, ask);
  while (running.length > 0) {
    running.shift()?.();
    await nextTurn();
  }
  expect(await Promise.all(calls)).toHaveLength(7);
});

test('who leaves the line is told why, and takes no place', async () => {
  const database = open(1, 20_000);
  const end = await occupy(database, 1);
  const context = testContext(5_000);
  const waiting = database.query(nap(0), context);
  context.deadline.cancel();
  await expect(waiting).rejects.toBeInstanceOf(Cancelled);
  const next = database.query(nap(0), testContext(20_000));
  await end();
  expect(await next).toHaveLength(1);
  expect(await database.query(nap(0), testContext(20_000))).toHaveLength(1);
});

test('who is refused is told of, by the name of the statement', async () => {
  const refused: string[] = [];
  const postgres = pool.open({ poolSize: 4, poolOverflow: 0 });
  const onRefused = (name: string) => refused.push(name);
  const database = limitPerStatement(postgres, { clock: systemClock, maxInFlight: 1, waitMs: 50, onRefused });
  const end = await occupy(database, 1);
  await expect(database.query(nap(30), testContext(5_000))).rejects.toMatchObject({ code: 'postgres.overloaded' });
  expect(refused).toEqual(['test.nap']);
  await end();
});
