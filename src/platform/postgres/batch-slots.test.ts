import { expect, it } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { Timings } from '../../base/timings.ts';
import { createBatch } from './batch.ts';
import type { Database } from './database.ts';
import { type Statement, sql } from './statement.ts';

const statement = (inputs: readonly number[]): Statement<{ i: number }> => sql`
  -- test.batch
  select ${inputs}`;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('shares the slots of its database with other statements in use, and has all of them when those rest', async () => {
  const underWay: (() => void)[] = [];
  const database: Database = {
    query: <Row>() => new Promise<Row[]>((resolve) => underWay.push(() => resolve([{ i: 1 }] as Row[]))),
  };
  // On a clock that has moved on whenever one looks, batches are not held apart.
  let nowMs = 0;
  const clock = { now: () => new Date(0), monotonicMs: () => (nowMs += 10) };
  const statements = [1, 2, 3].map(() => createBatch({ statement, maxInputs: 1 }, { database, clock }));
  let unanswered = 0;
  const ask = (which: readonly (typeof statements)[number][]): void => {
    for (const asked of which)
      for (let input = 0; input < 20; input++) {
        const context = { deadline: Deadline.after(60_000), timings: new Timings(), requestId: 'test' };
        unanswered++;
        void asked(input, context).then(() => unanswered--);
      }
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn++) await nextTurn();
  };

  ask(statements);
  await settle();
  expect(underWay).toHaveLength(9);
  while (unanswered > 0) {
    underWay.shift()?.();
    await nextTurn();
    expect(underWay.length).toBeLessThanOrEqual(9);
  }
  ask(statements.slice(0, 1));
  await settle();
  expect(underWay).toHaveLength(9);
});
