import { expect, onTestFinished, test, vi } from 'vitest';
import { type Input, input, nextTurn, StepDatabase, statement } from '../../../test/harness/step-database.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { Cancelled, Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import { createBatch } from './batch.ts';

test('a batch tells those whose statement cannot be written, and goes on for the others', async () => {
  const database = new StepDatabase();
  const fault = new TypeError('the author is at fault');
  const write = (inputs: readonly Input[]) => {
    if (inputs.some(({ fails }) => fails)) throw fault;
    return statement(inputs);
  };
  const ask = createBatch({ statement: write }, { database });
  const trace = { traceparent: '', start: () => trace, end: () => undefined };
  const contexts = [testContext(), { ...testContext(), trace }];
  const answers = contexts.map((context, id) => ask(input(id, { fails: true }), context));
  const beside = ask(input(2), testContext());
  for (const answer of answers) await expect(answer).rejects.toBe(fault);
  const next = ask(input(3), testContext());
  await database.finish();
  expect([await beside, await next]).toEqual([[{ i: 1, id: 2 }], [{ i: 1, id: 3 }]]);
});

test('who asks for what is not there gets no rows, whatever its neighbours get', async () => {
  const database = { query: async () => [{ i: 2, id: 2 }] as never[] };
  const ask = createBatch({ statement }, { database });
  const answers = await Promise.all([1, 2].map((id) => ask(input(id), testContext())));
  expect(answers).toEqual([[], [{ i: 2, id: 2 }]]);
});

test('a half of a refused batch leaves without those who gave up meanwhile, and is cancelled when the others have', async () => {
  const database = new StepDatabase();
  const ask = createBatch({ statement }, { database });
  const contexts = Array.from({ length: 4 }, () => testContext());
  const answers = contexts.map((context, id) => ask(input(id, { fails: id === 0 }), context).catch(() => undefined));
  const sentIds = () => database.sent.map((inputs) => inputs.map(({ id }) => id));
  await nextTurn();
  // All four, the first half, and the quarters of that.
  for (const count of [2, 3, 4]) {
    database.step();
    await nextTurn();
    expect(database.sent).toHaveLength(count);
  }
  contexts[2]?.deadline.cancel(new Cancelled('gone'));
  database.step();
  await nextTurn();
  expect(sentIds()).toEqual([[0, 1, 2, 3], [0, 1], [0], [1], [3]]);
  contexts[3]?.deadline.cancel(new Cancelled('gone'));
  expect(database.cancelled).toHaveLength(1);
  await Promise.all(answers);
});

test('whoever has no time left is told so by the own deadline, whichever timer goes off first, and so is the database', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const clock = new TestClock();
  const deadline = Deadline.after(100, clock);
  // Timers are coarser than the clock: by them a batch that leaves now ends a millisecond earlier.
  clock.advance(1);
  let reason: unknown;
  const hang = (_statement: unknown, batch: { deadline: Deadline }): Promise<never> => {
    batch.deadline.onEnded((ended) => {
      reason = ended;
    });
    return batch.deadline.race(new Promise<never>(() => undefined));
  };
  const ask = createBatch({ statement }, { database: { query: hang }, clock });
  const told = ask(input(1), { ...testContext(), deadline }).catch((error: unknown) => error);
  await nextTurn();
  await vi.advanceTimersByTimeAsync(200);
  expect(await told).toBe(deadline.reason);
  expect(reason).toBeInstanceOf(DeadlineExceeded);
});

/** A clock and timers that the test moves on. */
function holdTime() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const clock = new TestClock();
  const pass = async (ms: number) => {
    clock.advance(ms);
    await vi.advanceTimersByTimeAsync(ms);
  };
  return { clock, pass };
}

test('a batch has the time of its most patient caller, also of those who ask for the same', async () => {
  const { clock, pass } = holdTime();
  const database = new StepDatabase();
  const batched = createBatch({ statement, keyOf: ({ key }) => key }, { database, clock });
  const ask = (budgetMs: number, key: string) =>
    batched(input(1, { key }), { ...testContext(), deadline: Deadline.after(budgetMs, clock) });
  const patient = ask(10_000, 'same');
  const hasty = [ask(100, 'same'), ask(100, 'other')].map((answer) => answer.catch((error: unknown) => error));
  await nextTurn();
  await pass(200);
  for (const told of hasty) expect(await told).toBeInstanceOf(DeadlineExceeded);
  database.step();
  expect(await patient).toEqual([{ i: 1, id: 1 }]);
});

test('who has waited half a second is refused alone, and who asks for the same after that is answered', async () => {
  const { clock, pass } = holdTime();
  const database = new StepDatabase();
  const ask = createBatch({ statement, keyOf: ({ key }) => key }, { database, clock });
  for (let slot = 0; slot < 18; slot++) {
    clock.advance(10);
    void ask(input(slot), testContext());
    await nextTurn();
  }
  const refused = ask(input(100, { key: 'same' }), testContext()).catch((error: unknown) => error);
  clock.advance(450);
  const young = ask(input(101), testContext());
  await pass(100);
  expect(await refused).toMatchObject({ code: 'postgres.overloaded' });
  const again = ask(input(102, { key: 'same' }), testContext());
  await database.finish();
  expect([(await young)[0]?.id, (await again)[0]?.id]).toEqual([101, 102]);
});
