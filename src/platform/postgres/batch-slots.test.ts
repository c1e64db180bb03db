import { expect, it } from 'vitest';
import { contextOf, input, nextTurn, StepDatabase, statement } from '../../../test/harness/step-database.ts';
import { createBatch } from './batch.ts';

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
        void asked(input(id), contextOf()).then(() => unanswered--);
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
});
