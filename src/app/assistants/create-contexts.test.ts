import { expect, test } from 'vitest';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import { systemClock as clock } from '../../base/time.ts';
import type { BatchRow, Owned } from '../../kit/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { type Statement, sql } from '../../platform/postgres/index.ts';
import { type ContextParts, createContexts } from './create-contexts.ts';

test('a statement is run for the user of the context, whoever its input names', async () => {
  const userId = newId();
  const database = { query: async ({ values }: Statement<unknown>) => [{ i: 1, values }] };
  const models = { get: () => ({ id: 'offline' }) };
  const parts = { database, models, clock, log: createLogger({ level: 'silent' }) } as unknown as ContextParts;
  const context = createContexts('notes', parts)({ userId, call: testContext() });
  const list = (input: Owned) => sql<BatchRow>`
    -- notes.list
    select ${input.userId}`;
  const named: object = { userId: newId() };
  const answered = [{ i: 1, values: [userId] }];
  expect(await context.query(list, named)).toEqual(answered);
  expect(await context.share(([input]) => list(input as Owned), named)).toEqual(answered);
});
