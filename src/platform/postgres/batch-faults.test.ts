import { expect, test } from 'vitest';
import { contextOf, type Input, input, StepDatabase, statement } from '../../../test/harness/step-database.ts';
import { createBatch } from './batch.ts';

test('a batch tells everyone when their statement cannot be written, and goes on with the next', async () => {
  const database = new StepDatabase();
  const fault = new TypeError('the author is at fault');
  const write = (inputs: readonly Input[]) => {
    if (inputs.some(({ fails }) => fails)) throw fault;
    return statement(inputs);
  };
  const ask = createBatch({ statement: write }, { database });
  const trace = { traceparent: '', start: () => trace, end: () => undefined };
  const contexts = [contextOf(), { ...contextOf(), trace }];
  const answers = contexts.map((context, id) => ask(input(id, { fails: true }), context));
  for (const answer of answers) await expect(answer).rejects.toBe(fault);
  const next = ask(input(2), contextOf());
  await database.finish();
  expect(await next).toEqual([{ i: 1, id: 2 }]);
});
