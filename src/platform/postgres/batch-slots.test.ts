import { expect, it } from 'vitest';
import { type Input, input, nextTurn, type Row, StepDatabase, statement } from '../../../test/harness/step-database.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { Cancelled } from '../../base/deadline.ts';
import { type Batched, createBatch } from './batch.ts';

type Ask = Batched<Input, Row>;

it('shares what may be under way at its database with other statements in use', async () => {
  const database = new StepDatabase();
  // On a clock that has moved on whenever one looks, batches are not held apart.
  let nowMs = 0;
  const clock = { now: () => new Date(0), monotonicMs: () => (nowMs += 10) };
  const statements = [1, 2, 3].map(() => createBatch({ statement, maxInputs: 1 }, { database, clock }));
  let unanswered = 0;
  const ask = (which: readonly (typeof statements)[number][]): void => {
    for (const asked of which)
      for (let id = 0; id < 20; id++) {
        unanswered++;
        void asked(input(id), testContext()).then(() => unanswered--);
      }
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn++) await nextTurn();
  };

  ask(statements);
  await settle();
  expect(database.open.size).toBe(24);
  while (unanswered > 0) {
    database.step();
    await nextTurn();
    expect(database.open.size).toBeLessThanOrEqual(24);
  }
  ask(statements.slice(0, 1));
  await settle();
  // No more of one statement, however little the others need.
  expect(database.open.size).toBe(18);
  await database.finish();
  expect(unanswered).toBe(0);
});

it('counts a statement as in use while a caller of it waits or is served, and no longer', async () => {
  const database = new StepDatabase();
  const clock = new TestClock();
  const [first, second] = [1, 2].map(() => createBatch({ statement }, { database, clock })) as [Ask, Ask];
  const leaving = testContext();
  const left = first(input(0), leaving).catch(() => undefined);
  leaving.deadline.cancel(new Cancelled('gone'));
  await nextTurn();
  const answers = [second(input(1), testContext())];
  await database.finish();
  answers.push(first(input(2), testContext()));
  await nextTurn();
  // Is held apart from the one before, and leaves when that is back.
  answers.push(first(input(3), testContext()));
  database.step();
  await nextTurn();
  await nextTurn();
  answers.push(second(input(4), testContext()));
  await nextTurn();
  expect(database.sharedBy).toEqual([1, 1, 1, 2]);
  await database.finish();
  await Promise.all([left, ...answers]);
});

it('spreads those who wait evenly over the batches that may be under way', async () => {
  const database = new StepDatabase();
  const ask = createBatch({ statement }, { database, clock: new TestClock() });
  for (let round = 0; round < 2; round++) {
    const answers = Array.from({ length: 1_800 }, (_value, id) => ask(input(id), testContext()));
    await nextTurn();
    expect(database.sent.at(-1)).toHaveLength(100);
    await database.finish();
    await Promise.all(answers);
  }
});

it('tells the observer of callers whose time would be over before their turn', async () => {
  const database = new StepDatabase();
  const refused: string[] = [];
  const clock = new TestClock();
  const ask = createBatch({ statement, maxInputs: 1 }, { database, clock, onRefused: (name) => refused.push(name) });
  const first = ask(input(0), testContext());
  await nextTurn();
  clock.advance(10_000);
  database.step();
  await first;
  await nextTurn();
  // All of these are under way at once; the next has to wait for two.
  const waiting = Array.from({ length: 18 }, (_value, id) => ask(input(id), testContext(15_000)));
  await expect(ask(input(18), testContext(15_000))).rejects.toMatchObject({ code: 'postgres.overloaded' });
  expect(refused).toEqual(['test.batch']);
  await database.finish();
  await Promise.all(waiting);
});

it('holds batches apart however long nobody asked before', async () => {
  const database = new StepDatabase();
  const clock = new TestClock();
  clock.advance(10_000);
  const ask = createBatch({ statement }, { database, clock });
  const answers: Promise<Row[]>[] = [];
  for (let id = 0; id < 3; id++) {
    answers.push(ask(input(id), testContext()));
    await nextTurn();
  }
  expect(database.sent.length).toBeLessThan(3);
  await database.finish();
  await Promise.all(answers);
});
