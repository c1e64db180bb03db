import { DatabaseError } from 'pg';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { nap } from '../../../test/harness/pool-fixture.ts';
import { nextTurn } from '../../../test/harness/step-database.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import type { CallContext } from '../../base/call-context.ts';
import { createLogger } from '../log/index.ts';
import { postgresErrors } from '../postgres/index.ts';
import { guardDatabase } from './guard-database.ts';

let clock: TestClock;
/** The signs of life that were asked for. */
let pings: PromiseWithResolvers<never>[];
/** What a statement comes to. */
let query: (statement: unknown, context: CallContext) => Promise<never[]>;

const { unavailable, overloaded } = postgresErrors.raise;
const fail = () => Promise.reject(unavailable());

beforeEach(() => {
  clock = new TestClock();
  pings = [];
  query = fail;
});

function open() {
  const ping = () => {
    const asked = Promise.withResolvers<never>();
    pings.push(asked);
    return asked.promise;
  };
  const database = { query: (...args: Parameters<typeof query>) => query(...args), ping, refresh: () => {} };
  const guarded = guardDatabase(database, { clock, log: createLogger({ level: 'silent' }) });
  onTestFinished(() => guarded.close());
  return guarded;
}

/** Runs so many statements at once; answers when all have come to what they come to. */
const run = (guarded: ReturnType<typeof open>, statements: number) =>
  Promise.allSettled(Array.from({ length: statements }, () => guarded.query(nap(0), testContext(5_000))));

test('one sign of life is asked for, however many statements fail, and when it came, the next after five more', async () => {
  const guarded = open();
  await run(guarded, 20);
  expect(pings).toHaveLength(1);
  pings[0]?.resolve(undefined as never);
  await nextTurn();
  await run(guarded, 4);
  expect(pings).toHaveLength(1);
  await run(guarded, 1);
  expect(pings).toHaveLength(2);
});

test('one that was lost with its connection is asked for once more before the breaker opens', async () => {
  const guarded = open();
  await run(guarded, 5);
  pings[0]?.reject(new Error('the connection was lost'));
  await until(() => pings.length === 2);
  expect(guarded.state()).toBe('closed');
});

test('a statement that the server refused is an answer: the count starts anew, and no other sign of life is needed', async () => {
  const guarded = open();
  const refused = Object.assign(new DatabaseError('no such table', 0, 'error'), { code: '42P01' });
  await run(guarded, 4);
  query = () => Promise.reject(refused);
  await run(guarded, 1);
  query = fail;
  await run(guarded, 4);
  expect(pings).toEqual([]);
  await run(guarded, 1);
  query = () => Promise.reject(refused);
  await run(guarded, 1);
  clock.advance(1_000);
  pings[0]?.reject(new Error('it does not answer'));
  await nextTurn();
  expect(guarded.state()).toBe('closed');
});

test('none is asked for because all connections are busy, but when the server has no more of them', async () => {
  const guarded = open();
  query = () => Promise.reject(overloaded());
  await run(guarded, 20);
  expect(pings).toEqual([]);
  const cause = Object.assign(new DatabaseError('too many', 0, 'error'), { code: '53300' });
  query = () => Promise.reject(overloaded({ cause }));
  await run(guarded, 5);
  expect(pings).toHaveLength(1);
});

test('an open breaker asks for one after the other, and for none once it is closed for good', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const guarded = open();
  query = (_statement, { deadline }) => deadline.race(new Promise(() => {}));
  const underWay = run(guarded, 20);
  query = fail;
  await run(guarded, 5);
  clock.advance(1_000);
  pings[0]?.reject(new Error('it does not answer'));
  await underWay;
  expect(guarded.state()).toBe('open');
  expect(pings).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(pings).toHaveLength(2);
  guarded.close();
  clock.advance(1_000);
  pings[1]?.reject(new Error('it does not answer'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(pings).toHaveLength(2);
});
