import fc from 'fast-check';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../../base/call-context.ts';
import { Cancelled, Deadline } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { Timings } from '../../base/timings.ts';
import { type BatchObservation, createBatch } from './batch.ts';
import type { Database } from './database.ts';
import { type Statement, sql } from './statement.ts';

interface Input {
  readonly id: number;
  readonly key: string;
  /** Whether Postgres refuses it. */
  readonly fails: boolean;
}

interface Row {
  i: number;
  id: number;
}

const statement = (inputs: readonly Input[]): Statement<Row> => sql`
  -- test.batch
  select ${inputs}`;

function contextOf(budgetMs = 60_000): CallContext {
  return { deadline: Deadline.after(budgetMs), timings: new Timings(), requestId: 'test' };
}

/** A database that answers when it is told to, all or nothing, and remembers what it did. */
class StepDatabase implements Database {
  readonly sent: Input[][] = [];
  readonly done: number[] = [];
  readonly cancelled: Input[][] = [];
  /** The statements under way. */
  readonly open = new Set<() => void>();

  query<R>({ values }: Statement<R>, { deadline }: CallContext): Promise<R[]> {
    const inputs = values[0] as Input[];
    this.sent.push(inputs);
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        this.open.delete(answer);
        if (inputs.some(({ fails }) => fails)) {
          reject(new DatabaseError('refused', 0, 'error'));
          return;
        }
        this.done.push(...inputs.map(({ id }) => id));
        resolve(inputs.map(({ id }, index) => ({ i: index + 1, id })) as R[]);
      };
      this.open.add(answer);
      deadline.signal.addEventListener('abort', () => {
        if (!this.open.delete(answer)) return;
        this.cancelled.push(inputs);
        reject(deadline.signal.reason);
      });
    });
  }

  /** Answers the oldest, or the newest, statement that is under way. */
  step(newest = false): void {
    const answers = [...this.open];
    (newest ? answers.at(-1) : answers[0])?.();
  }

  async finish(): Promise<void> {
    for (let idleTurns = 0; idleTurns < 5; idleTurns++) {
      await nextTurn();
      if (this.open.size > 0) idleTurns = 0;
      this.step();
    }
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const input = (id: number, options: Partial<Input> = {}): Input => ({ id, key: String(id), fails: false, ...options });

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
    const answer = ask(input(1), contextOf());
    await nextTurn();
    expect(database.sent).toEqual([[input(1)]]);
    database.step();
    expect(await answer).toEqual([{ i: 1, id: 1 }]);
  });

  it('puts the calls of one turn into one statement, and those that wait for a slot into the next', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const answers: Promise<Row[]>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      answers.push(ask(input(2 * turn), contextOf()), ask(input(2 * turn + 1), contextOf()));
      await nextTurn();
    }
    expect(database.sent).toHaveLength(9);
    expect(database.sent.every((inputs) => inputs.length === 2)).toBe(true);
    database.step();
    await nextTurn();
    await nextTurn();
    expect(database.sent[9]).toHaveLength(22);
    await database.finish();
    expect((await Promise.all(answers)).map(([row]) => row?.id)).toEqual(answers.map((_answer, index) => index));
  });

  it('asks once for what several wait for, but does not join what has left already', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement, keyOf: ({ key }) => key }, { database });
    const early = ask(input(1, { key: 'same' }), contextOf());
    await nextTurn();
    const late = [2, 3].map((id) => ask(input(id, { key: 'same' }), contextOf()));
    await nextTurn();
    expect(database.sent.map((inputs) => inputs.map(({ id }) => id))).toEqual([[1], [2]]);
    await database.finish();
    expect([(await early)[0]?.id, ...(await Promise.all(late)).map(([row]) => row?.id)]).toEqual([1, 2, 2]);
  });

  it('tells a caller at once that its deadline has ended, and goes on for the others', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const leaving = contextOf();
    const answers = [ask(input(1), leaving), ask(input(2), contextOf())];
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
    const contexts = [contextOf(), contextOf()];
    const answers = contexts.map((context, index) => ask(input(index), context));
    await nextTurn();
    for (const { deadline } of contexts) deadline.cancel(new Cancelled('gone'));
    for (const answer of answers) await expect(answer).rejects.toThrow('gone');
    expect(database.cancelled).toHaveLength(1);
  });

  it('does not send callers that gave up while they waited', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const leaving = contextOf();
    const answers = [ask(input(1), leaving), ask(input(2), contextOf())];
    leaving.deadline.cancel(new Cancelled('gone'));
    await expect(answers[0]).rejects.toThrow('gone');
    await database.finish();
    expect(database.sent).toEqual([[input(2)]]);
  });

  it('refuses callers beyond its bound at once, as overloaded', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const waiting = Array.from({ length: 20_000 }, (_value, index) => ask(input(index), contextOf()));
    await expect(ask(input(20_000), contextOf())).rejects.toMatchObject({ code: 'postgres.overloaded', status: 503 });
    await database.finish();
    expect(await Promise.all(waiting)).toHaveLength(20_000);
  });

  it('refuses a caller that has waited half a second because nothing comes back', async () => {
    const database = new StepDatabase();
    const ask = createBatch({ statement }, { database });
    const stuck: Promise<Row[]>[] = [];
    for (let slot = 0; slot < 9; slot++) {
      stuck.push(ask(input(slot), contextOf()));
      await nextTurn();
    }
    await expect(ask(input(9), contextOf())).rejects.toMatchObject({ code: 'postgres.overloaded' });
    await database.finish();
    expect((await Promise.all(stuck)).map(([row]) => row?.id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(database.done).not.toContain(9);
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
        // On a clock that stands still, batches are not held apart, however slow the machine.
        const clock = { now: () => new Date(0), monotonicMs: () => 0 };
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
          for (const kind of before) await step(kind);
          const context = contextOf();
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
    const answers = [1, 2, 3, 4].map((id) => ask(input(id), contextOf()));
    for (const answer of answers) await expect(answer).rejects.toBe(away);
    expect(statements).toBe(1);
  });

  it('tells each caller, and the observer, how long it waited for its batch', async () => {
    const database = new StepDatabase();
    const observed: BatchObservation[] = [];
    let nowMs = 0;
    const clock = { now: () => new Date(0), monotonicMs: () => nowMs };
    const ask = createBatch({ statement }, { database, clock, observe: (observation) => observed.push(observation) });
    const contexts = Array.from({ length: 10 }, () => contextOf());
    const answers: Promise<Row[]>[] = [];
    for (const [id, context] of contexts.entries()) {
      answers.push(ask(input(id), context));
      await nextTurn();
    }
    // Nine are under way, as many as may be.
    nowMs = 40;
    await database.finish();
    await Promise.all(answers);
    const waits = contexts.map(({ timings }) => Object.fromEntries(timings.entries()).queue);
    expect(waits).toEqual([...Array.from({ length: 9 }, () => 0), 40]);
    expect(observed.at(0)).toEqual({ name: 'test.batch', inputs: 1, waitMs: 0 });
    expect(observed.at(-1)).toEqual({ name: 'test.batch', inputs: 1, waitMs: 40 });
  });

  it('tells the observer of callers whose time would be over before their turn', async () => {
    const database = new StepDatabase();
    const refused: string[] = [];
    let nowMs = 0;
    const clock = { now: () => new Date(0), monotonicMs: () => nowMs };
    const ask = createBatch({ statement }, { database, clock, onRefused: (name) => refused.push(name) });
    const first = ask(input(0), contextOf());
    await nextTurn();
    nowMs = 1_000;
    database.step();
    await first;
    await nextTurn();
    const waiting = ask(input(1), contextOf());
    await expect(ask(input(2), contextOf(100))).rejects.toMatchObject({ code: 'postgres.overloaded' });
    expect(refused).toEqual(['test.batch']);
    await database.finish();
    await waiting;
  });
});
