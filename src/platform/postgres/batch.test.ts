import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { input, nextTurn, type Row, StepDatabase, statement } from '../../../test/harness/step-database.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import type { CallContext } from '../../base/call-context.ts';
import { Cancelled } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { type BatchObservation, createBatch } from './batch.ts';
import type { Database } from './database.ts';

/** Longer than batches are held apart, in milliseconds. */
const SPACING_MS = 10;
/** How many batches of one statement may be under way. */
const SLOTS = 18;

/** What one caller got must be what its own input came to, and that at most once. */
function expectOwnResult(
  outcome: PromiseSettledResult<Row[]>,
  call: { id: number; fails: boolean; gaveUp: boolean; times: number },
): void {
  if (outcome.status === 'fulfilled') {
    expect(outcome.value.map((row) => row.id)).toEqual([call.id]);
    expect(call.times).toBe(1);
  } else if (outcome.reason instanceof Cancelled) {
    expect(call.gaveUp).toBe(true);
    expect(call.times).toBeLessThanOrEqual(1);
  } else {
    expect(outcome.reason).toBeInstanceOf(DatabaseError);
    expect(call.fails).toBe(true);
    expect(call.times).toBe(0);
  }
}

describe('a batch', () => {
  it('lets a lone call leave in the same turn of the event loop, alone', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const answer = ask(input(1), testContext());
    await nextTurn();
    expect(database.sent).toEqual([[input(1)]]);
    database.step();
    expect(await answer).toEqual([{ i: 1, id: 1 }]);
  });

  it('puts the calls of one turn into one statement, and those that wait for a slot into the next', async () => {
    const database = new StepDatabase();
    const clock = new TestClock();
    const ask = createBatch({ statement }, { database, clock });
    const answers: Promise<Row[]>[] = [];
    for (let turn = 0; turn < SLOTS + 11; turn++) {
      clock.advance(SPACING_MS);
      answers.push(ask(input(2 * turn), testContext()), ask(input(2 * turn + 1), testContext()));
      await nextTurn();
    }
    expect(database.sent).toHaveLength(SLOTS);
    expect(database.sent.every((inputs) => inputs.length === 2)).toBe(true);
    database.step();
    await nextTurn();
    await nextTurn();
    expect(database.sent[SLOTS]).toHaveLength(22);
    await database.finish();
    expect((await Promise.all(answers)).map(([row]) => row?.id)).toEqual(answers.map((_answer, index) => index));
  });

  it('holds what is asked while a batch is under way until that is back, or for some milliseconds', async () => {
    const database = new StepDatabase();
    const clock = new TestClock();
    const ask = createBatch({ statement }, { database, clock });
    const answers: Promise<Row[]>[] = [];
    const askNext = async (): Promise<void> => {
      answers.push(ask(input(answers.length), testContext()));
      await nextTurn();
    };
    for (let count = 0; count < 3; count++) await askNext();
    const sentIds = () => database.sent.map((inputs) => inputs.map(({ id }) => id));
    expect(sentIds()).toEqual([[0]]);
    database.step();
    await nextTurn();
    await nextTurn();
    expect(sentIds()).toEqual([[0], [1, 2]]);
    await askNext();
    clock.advance(3 * SPACING_MS);
    await askNext();
    await sleep(3 * SPACING_MS);
    expect(sentIds()).toEqual([[0], [1, 2], [3, 4]]);
    expect(database.open.size).toBe(2);
    await database.finish();
    await Promise.all(answers);
  });

  it('holds nothing back for longer after many that were answered at once', async () => {
    const database = new StepDatabase();
    const clock = new TestClock();
    const ask = createBatch({ statement }, { database, clock });
    for (let id = 0; id < 1_000; id++) {
      const answer = ask(input(id), testContext());
      await nextTurn();
      database.step();
      await answer;
      // The batch knows that it is back.
      await nextTurn();
      clock.advance(1);
    }
    const hanging = ask(input(1_000), testContext());
    await nextTurn();
    const next = ask(input(1_001), testContext());
    await expect.poll(() => database.open.size).toBe(2);
    await database.finish();
    await Promise.all([hanging, next]);
  });

  it('asks once for what several wait for, but does not join what has left already', async () => {
    const database = new StepDatabase();
    const clock = new TestClock();
    const ask = createBatch({ statement, keyOf: ({ key }) => key }, { database, clock });
    const early = ask(input(1, { key: 'same' }), testContext());
    await nextTurn();
    clock.advance(SPACING_MS);
    const late = [2, 3].map((id) => ask(input(id, { key: 'same' }), testContext()));
    await nextTurn();
    expect(database.sent.map((inputs) => inputs.map(({ id }) => id))).toEqual([[1], [2]]);
    await database.finish();
    expect([(await early)[0]?.id, ...(await Promise.all(late)).map(([row]) => row?.id)]).toEqual([1, 2, 2]);
  });

  it('tells a caller at once that its deadline has ended, and goes on for the others', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const leaving = testContext();
    const answers = [ask(input(1), leaving), ask(input(2), testContext())];
    await nextTurn();
    leaving.deadline.cancel(new Cancelled('gone'));
    await expect(answers[0]).rejects.toThrow('gone');
    expect(database.cancelled).toEqual([]);
    database.step();
    expect((await answers[1])?.[0]?.id).toBe(2);
  });

  it('cancels the statement when nobody waits for it any more', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const contexts = [testContext(), testContext()];
    const answers = contexts.map((context, index) => ask(input(index), context));
    await nextTurn();
    for (const { deadline } of contexts) deadline.cancel(new Cancelled('gone'));
    for (const answer of answers) await expect(answer).rejects.toThrow('gone');
    expect(database.cancelled).toHaveLength(1);
  });

  it('does not send callers that gave up while they waited', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const leaving = testContext();
    const answers = [ask(input(1), leaving), ask(input(2), testContext())];
    leaving.deadline.cancel(new Cancelled('gone'));
    await expect(answers[0]).rejects.toThrow('gone');
    await database.finish();
    expect(database.sent).toEqual([[input(2)]]);
  });

  it('refuses callers beyond its bound at once, as overloaded', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const waiting = Array.from({ length: 20_000 }, (_value, index) => ask(input(index), testContext()));
    await expect(ask(input(20_000), testContext())).rejects.toMatchObject({ code: 'postgres.overloaded', status: 503 });
    await database.finish();
    expect(await Promise.all(waiting)).toHaveLength(20_000);
  });

  it('refuses a caller that has waited half a second because nothing comes back', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const stuck: Promise<Row[]>[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      stuck.push(ask(input(slot), testContext()));
      await sleep(2 * SPACING_MS);
    }
    await expect(ask(input(SLOTS), testContext())).rejects.toMatchObject({ code: 'postgres.overloaded' });
    await database.finish();
    expect((await Promise.all(stuck)).map(([row]) => row?.id)).toEqual(Array.from({ length: SLOTS }, (_, id) => id));
    expect(database.done).not.toContain(SLOTS);
  });

  it('gives each caller exactly its own result, once, whatever comes in whatever order', async () => {
    const call = fc.record({
      fails: fc.boolean(),
      /** After how many steps the caller gives up; beyond the end: never. */
      givesUpAfter: fc.integer({ min: 0, max: 60 }),
      /** What happens before it asks. */
      before: fc.array(fc.constantFrom('turn', 'oldest', 'newest'), { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
        const database = new StepDatabase();
        const clock = new TestClock();
        const ask = createBatch({ statement }, { database, clock });
        const outcomes: Promise<PromiseSettledResult<Row[]>>[] = [];
        const contexts: CallContext[] = [];
        let steps = 0;
        const step = async (kind: string): Promise<void> => {
          steps++;
          if (kind === 'turn') await nextTurn();
          else database.step(kind === 'newest');
          for (const [index, context] of contexts.entries()) {
            if (calls[index]?.givesUpAfter === steps) context.deadline.cancel(new Cancelled('gave up'));
          }
        };
        for (const [id, { fails, before }] of calls.entries()) {
          // Every other caller comes so late that batches need not be held apart.
          if (id % 2 === 0) clock.advance(SPACING_MS);
          for (const kind of before) await step(kind);
          const context = testContext();
          contexts.push(context);
          outcomes.push(Promise.allSettled([ask(input(id, { fails }), context)]).then(([outcome]) => outcome));
        }
        await database.finish();
        for (const [id, outcome] of (await Promise.all(outcomes)).entries()) {
          expectOwnResult(outcome, {
            id,
            fails: calls[id]?.fails === true,
            gaveUp: contexts[id]?.deadline.signal.aborted === true,
            times: database.done.filter((done) => done === id).length,
          });
          contexts[id]?.deadline.end();
        }
      }),
      { numRuns: 500 },
    );
  });

  it('tells everyone when the database is away, and does not try halves', async () => {
    const away = new AppError('postgres.unavailable', { status: 503, message: 'away' });
    let statements = 0;
    const database: Database = {
      query: async () => {
        statements++;
        throw away;
      },
    };
    const ask = createBatch({ statement }, { database });
    const answers = [1, 2, 3, 4].map((id) => ask(input(id), testContext()));
    for (const answer of answers) await expect(answer).rejects.toBe(away);
    expect(statements).toBe(1);
  });

  it('tells each caller, and the observer, how long it waited for its batch', async () => {
    const database = new StepDatabase();
    const observed: BatchObservation[] = [];
    const clock = new TestClock();
    const ask = createBatch({ statement }, { database, clock, observe: (observation) => observed.push(observation) });
    const contexts = Array.from({ length: SLOTS + 1 }, () => testContext());
    const answers: Promise<Row[]>[] = [];
    for (const [id, context] of contexts.entries()) {
      clock.advance(SPACING_MS);
      answers.push(ask(input(id), context));
      await nextTurn();
    }
    // As many are under way as may be.
    clock.advance(40);
    await database.finish();
    await Promise.all(answers);
    const waits = contexts.map(({ timings }) => timings.rounded().queue);
    expect(waits).toEqual([...Array.from({ length: SLOTS }, () => 0), 40]);
    expect(observed.at(0)).toEqual({ name: 'test.batch', inputs: 1, waitMs: 0 });
    expect(observed.at(-1)).toEqual({ name: 'test.batch', inputs: 1, waitMs: 40 });
  });
});
