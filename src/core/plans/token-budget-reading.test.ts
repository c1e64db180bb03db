import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { insertUser } from '../../../test/harness/insert-user.ts';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { useTestDatabase } from '../../../test/harness/test-database.ts';
import { newId } from '../../base/ids.ts';
import { Limiter } from '../../platform/limits/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { Redis } from '../../platform/redis/index.ts';
import { Plans } from './plans.ts';
import { addUsage } from './queries.ts';
import type { Plan } from './read-plans.ts';
import { monthOf, TokenAccount } from './token-account.ts';
import { TokenBudget } from './token-budget.ts';

const own = useTestRedis();
const { postgres } = useTestDatabase();
const log = createLogger({ level: 'silent' });
const plan = { name: 'free', requests: [], requestsPerKey: [], tokensPerMonth: 1_000, modelCallsAtOnce: undefined };
const plans = [plan, { ...plan, name: 'unlimited', tokensPerMonth: undefined }];

let nowMs: number;
let elapsedMs: number;
let who: { userId: string; plan: string };

beforeEach(async () => {
  nowMs = Date.parse('2026-11-22T12:00:00Z');
  elapsedMs = 0;
  who = { userId: await insertUser(postgres), plan: 'free' };
});

/** Has the database know that the plan's tokens of the month are used. */
async function useUp(day: string): Promise<void> {
  const row = { userId: who.userId, day, model: 'm', requests: 1, promptTokens: 1_000, completionTokens: 0 };
  await postgres.query(addUsage({ writer: newId(), batch: 1, rows: [row] }), testContext());
}

function open(parts: { database: Database; redis: Redis | undefined }): TokenBudget {
  const clock = { now: () => new Date(nowMs), monotonicMs: () => performance.now() + elapsedMs };
  const limiter = new Limiter({ redis: undefined, clock });
  const known = new Plans(new Map<string, Plan>(plans.map((each) => [each.name, each])), log);
  return new TokenBudget({ ...parts, observers: {}, limiter, plans: known, longestCallMs: 60_000, clock, log });
}

const reserve = (budget: TokenBudget) => budget.reserve(who, 1, testContext().deadline);

test('what was used is read again when that is asked for while it is being read', async () => {
  let isFirst = true;
  const query: Database['query'] = async (statement, context) => {
    const rows = await postgres.query(statement, context);
    if (isFirst) {
      isFirst = false;
      await useUp('2026-11-03');
      budget.doubt(who.userId);
    }
    return rows;
  };
  const budget = open({ database: { query }, redis: undefined });
  await budget.inspect(who, testContext().deadline);
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

test('what was read long ago is read again in the background, once, also where that fails', async () => {
  let readings = 0;
  const query: Database['query'] = async (statement, context) => {
    if (++readings > 1) throw new Error('the database is away');
    return await postgres.query(statement, context);
  };
  const budget = open({ database: { query }, redis: undefined });
  (await reserve(budget)).settle(0);
  elapsedMs = 600_000;
  for (let round = 0; round < 5; round++) {
    (await reserve(budget)).settle(0);
    await nextTurn();
  }
  expect(readings).toBe(2);
});

test('what is used beside all that was set aside is used up at once', async () => {
  const budget = open({ database: postgres, redis: undefined });
  (await reserve(budget)).settle(0);
  budget.count(who.userId, 1_000);
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

test('what a call that began on a plan without a limit took is used up at once where the plan has one by then', async () => {
  const budget = open({ database: postgres, redis: undefined });
  const underWay = await budget.reserve({ ...who, plan: 'unlimited' }, 1, testContext().deadline);
  (await reserve(budget)).settle(0);
  underWay.settle(1_000);
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

test('with Redis away, what was used is read though a call of the month before is the first that is heard of', async () => {
  const budget = open({ database: postgres, redis: { isAvailable: false } as Redis });
  const underWay = await reserve(budget);
  nowMs = Date.parse('2026-12-01T00:00:00Z');
  await useUp('2026-12-01');
  underWay.settle(0);
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

test('a clock that is set back is in a month that may be used up', async () => {
  const budget = open({ database: postgres, redis: undefined });
  nowMs = Date.parse('2026-12-01T00:00:00Z');
  (await reserve(budget)).settle(0);
  await useUp('2026-11-03');
  nowMs = Date.parse('2026-11-30T23:00:00Z');
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

test('what a call of the month before used is the first that counts in this one', async () => {
  const budget = open({ database: postgres, redis: undefined });
  const underWay = await reserve(budget);
  nowMs = Date.parse('2026-12-01T00:00:00Z');
  underWay.settle(1_000);
  await expect(reserve(budget)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
});

/** A budget whose Redis and database only note what they are asked. Its timers are the test's. */
function openNoting() {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const readings: unknown[] = [];
  const told: unknown[][] = [];
  const database = { query: async () => [{ i: 1, tokens: readings.push('read'), given: 0 }] };
  const redis = {
    isAvailable: true,
    run: async (_script: unknown, _keys: unknown, values: unknown[]) => told.push(values) && [1, 0],
  };
  const budget = open({ database: database as unknown as Database, redis: redis as unknown as Redis });
  return { budget, redis, readings, told };
}

test('what Redis missed it is told once when it is back, however late, and till then the database is left alone', async () => {
  const { budget, redis, readings, told } = openNoting();
  const reservation = await reserve(budget);
  const [id] = told.pop() ?? [];
  redis.isAvailable = false;
  reservation.settle(1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect([readings.length, told]).toEqual([1, []]);
  redis.isAvailable = true;
  // By then the month is over, for which nothing is to be kept any longer.
  nowMs = Date.parse('2026-12-01T00:00:00Z');
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toEqual([[0, 2, expect.toSatisfy((keptMs) => keptMs > 0), id]]);
});

test.each([
  ['of the next one', 0],
  ['when it is back', 1_000],
])('that a reservation is over is not told again once Redis was told %s', async (_when, backForMs) => {
  const { budget, redis, told } = openNoting();
  const reservation = await reserve(budget);
  const [id] = told[0] ?? [];
  redis.isAvailable = false;
  reservation.settle(1);
  redis.isAvailable = true;
  await vi.advanceTimersByTimeAsync(backForMs);
  await reserve(budget);
  await reserve(budget);
  // When it was made, and when it was over.
  expect(told.filter((values) => values.includes(id))).toHaveLength(2);
});

test('what another server used is heard of from Redis, by who is let through and by who is refused', async () => {
  const redis = { isAvailable: true, run: own.redis.run.bind(own.redis) };
  const here = open({ database: postgres, redis: redis as unknown as Redis });
  const there = open({ database: postgres, redis: own.redis });
  (await reserve(there)).settle(999);
  await own.redis.ping();
  await reserve(here);
  redis.isAvailable = false;
  await expect(reserve(here)).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
  redis.isAvailable = true;
  there.count(who.userId, 1);
  await own.redis.ping();
  await expect(reserve(here)).rejects.toMatchObject({ retryAfterMs: monthOf(nowMs).endsAtMs - nowMs });
});

test('what a server had set aside that died comes back when its time is over, and nothing is kept for ever', async () => {
  const admin = new Client(own.server.url);
  onTestFinished(() => admin.disconnect());
  const [used, reserved] = new TokenAccount(who.userId, monthOf(nowMs)).keys;
  await admin.hset(reserved, newId(), '1000:1');
  const reservation = await reserve(open({ database: postgres, redis: own.redis }));
  expect(await admin.hlen(reserved)).toBe(1);
  expect(await admin.pttl(reserved)).toBeGreaterThan(0);
  const monthMs = monthOf(nowMs).endsAtMs - nowMs;
  expect(await admin.pttl(used)).toBeGreaterThan(monthMs - 60_000);
  reservation.settle(1);
  await expect.poll(() => admin.get(used)).toBe('1');
  expect(await admin.pttl(used)).toBeGreaterThan(monthMs - 60_000);
});
