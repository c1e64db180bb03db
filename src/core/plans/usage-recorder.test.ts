import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { insertUser } from '../../../test/harness/insert-user.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { useTestDatabase } from '../../../test/harness/test-database.ts';
import { newId } from '../../base/ids.ts';
import { systemClock } from '../../base/time.ts';
import { createLogger } from '../../platform/log/index.ts';
import { type Database, postgresErrors, sql } from '../../platform/postgres/index.ts';
import { forgetUsageWriters } from './jobs.ts';
import { listUsage } from './queries.ts';
import { UsageRecorder } from './usage-recorder.ts';

const log = createLogger({ level: 'silent' });
const { postgres } = useTestDatabase();
let userId: string;

beforeEach(async () => {
  userId = await insertUser(postgres);
});

/** A recorder whose statements can fail before they are run, or after, as when the answer of the database is lost. */
function create() {
  const failing: { when?: 'before' | 'after' | undefined } = {};
  const query: Database['query'] = async (statement, context) => {
    const { when } = failing;
    if (when === 'before') throw postgresErrors.raise.unavailable();
    const rows = await postgres.query(statement, context);
    if (when === 'after') throw postgresErrors.raise.timeout();
    return rows;
  };
  return { failing, recorder: new UsageRecorder({ database: { query }, clock: systemClock, log }) };
}

const use = (model = 'm') => ({ userId, model, promptTokens: 10, completionTokens: 2 });

async function read(): Promise<
  { model: string; requests: number; prompt_tokens: number; completion_tokens: number }[]
> {
  const rows = await postgres.query(listUsage({ userId, from: '2026-01-01', to: '2100-01-01' }), testContext());
  return rows.map(({ model, requests, prompt_tokens, completion_tokens }) => ({
    model,
    requests,
    prompt_tokens,
    completion_tokens,
  }));
}

test('uses of a model are added up, and models told apart', async () => {
  const { recorder } = create();
  for (let index = 0; index < 5; index++) recorder.record(use());
  recorder.record(use('other'));
  await recorder.store();
  recorder.record(use());
  await recorder.stop();
  expect(await read()).toEqual([
    { model: 'm', requests: 6, prompt_tokens: 60, completion_tokens: 12 },
    { model: 'other', requests: 1, prompt_tokens: 10, completion_tokens: 2 },
  ]);
});

test('tells days apart, and adds up the requests that uses count as', async () => {
  let now = new Date('2026-11-22T23:59:59Z');
  const recorder = new UsageRecorder({ database: postgres, clock: { ...systemClock, now: () => now }, log });
  recorder.record(use());
  recorder.record({ ...use(), requests: 0 });
  now = new Date('2026-11-23T00:00:00Z');
  recorder.record(use());
  await recorder.stop();
  expect(await read()).toMatchObject([
    { requests: 1, prompt_tokens: 20 },
    { requests: 1, prompt_tokens: 10 },
  ]);
});

test('stores so many at once that a statement is over in a moment', async () => {
  let statements = 0;
  const query = async () => {
    statements++;
    return [];
  };
  const recorder = new UsageRecorder({ database: { query }, clock: systemClock, log });
  for (let index = 0; index < 1_001; index++) recorder.record(use(`model ${index}`));
  await recorder.store();
  expect(statements).toBe(2);
});

test.each(['before', 'after'] as const)(
  'what failed %s it was stored counts once, and what came meanwhile too',
  async (when) => {
    const { recorder, failing } = create();
    // Of the tries that the recorder makes by itself as well.
    failing.when = when;
    recorder.record(use());
    await expect(recorder.store()).rejects.toThrow();
    recorder.record(use());
    await expect(recorder.store()).rejects.toThrow();
    failing.when = undefined;
    await recorder.stop();
    expect(await read()).toEqual([{ model: 'm', requests: 2, prompt_tokens: 20, completion_tokens: 4 }]);
  },
);

test('a recorder that stops while the database is away stores what it holds once that is back', async () => {
  const backAtMs = performance.now() + 1_500;
  const query: Database['query'] = async (statement, context) => {
    if (performance.now() < backAtMs) throw postgresErrors.raise.unavailable();
    return await postgres.query(statement, context);
  };
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(JSON.parse(line).msg) } });
  const recorder = new UsageRecorder({ database: { query }, clock: systemClock, log });
  recorder.record(use());
  await recorder.stop();
  expect(await read()).toEqual([{ model: 'm', requests: 1, prompt_tokens: 10, completion_tokens: 2 }]);
  // However many tries it took.
  expect(lines).toEqual(['could not store usage yet; trying again', 'usage is stored again']);
});

test('a use that comes at the moment at which all before it were stored is stored, too', async () => {
  let tries = 0;
  const query: Database['query'] = async (statement, context) => {
    if (++tries === 1) throw postgresErrors.raise.unavailable();
    return await postgres.query(statement, context);
  };
  const write = (line: string): void => {
    if (line.includes('usage is stored again')) recorder.record(use('late'));
  };
  const log = createLogger({ level: 'info', destination: { write } });
  const recorder = new UsageRecorder({ database: { query }, clock: systemClock, log });
  recorder.record(use());
  await expect.poll(read).toMatchObject([{ model: 'late' }, { model: 'm' }]);
  await recorder.stop();
});

test('a recorder that stops and cannot store what it holds says in the log what is lost', async () => {
  const lines: Record<string, unknown>[] = [];
  const first = Promise.withResolvers<never>();
  let tries = 0;
  const query = () => (++tries === 1 ? first.promise : Promise.reject(postgresErrors.raise.unavailable()));
  const recorder = new UsageRecorder({
    database: { query },
    clock: systemClock,
    log: createLogger({ level: 'error', destination: { write: (line) => lines.push(JSON.parse(line)) } }),
  });
  recorder.record(use());
  await expect.poll(() => tries).toBe(1);
  recorder.record(use('other'));
  const stopping = recorder.stop();
  await nextTurn();
  // One after the other: a batch that is sent twice at once may be counted after its writer is forgotten.
  expect(tries).toBe(1);
  first.reject(postgresErrors.raise.unavailable());
  await stopping;
  expect(tries).toBe(6);
  const lost = { level: 'error', user_id: userId, requests: 1, promptTokens: 10, completionTokens: 2 };
  expect(lines).toMatchObject([
    { ...lost, model: 'm' },
    { ...lost, model: 'other' },
  ]);
});

test('a recorder that holds as many sums as it may while the database is away says in the log what it does not take', () => {
  const lines: Record<string, unknown>[] = [];
  const recorder = new UsageRecorder({
    database: { query: () => new Promise(() => undefined) },
    clock: systemClock,
    log: createLogger({ level: 'error', destination: { write: (line) => lines.push(JSON.parse(line)) } }),
  });
  for (let index = 0; index <= 100_000; index++) recorder.record(use(`model ${index}`));
  expect(lines).toMatchObject([{ model: 'model 100000', requests: 1 }]);
  recorder.record(use('model 0'));
  expect(lines).toHaveLength(1);
});

test('a user who is gone keeps nobody else from being counted', async () => {
  const { recorder } = create();
  recorder.record({ ...use(), userId: newId() });
  recorder.record(use());
  await recorder.store();
  await recorder.stop();
  expect(await read()).toMatchObject([{ requests: 1 }]);
});

test('of the processes that were killed, those that wrote nothing for a month are forgotten, and one that stops at once', async () => {
  const [killed, running] = [create(), create()];
  for (const { recorder } of [killed, running]) {
    recorder.record(use());
    await recorder.store();
  }
  const backdate = sql`
    -- test.backdate_writers
    update usage_writers set written_at = now() - interval '31 days'`;
  await postgres.query(backdate, testContext());
  running.recorder.record(use());
  await running.recorder.store();
  await forgetUsageWriters(postgres).run({}, testContext());
  const left = sql<{ batch: number }>`
    -- test.list_writers
    select batch from usage_writers`;
  // Among those that the tests before left behind.
  expect(await postgres.query(left, testContext())).toEqual([{ batch: 2 }]);
  await running.recorder.stop();
  expect(await postgres.query(left, testContext())).toEqual([]);
  expect(await read()).toMatchObject([{ requests: 3 }]);
});
