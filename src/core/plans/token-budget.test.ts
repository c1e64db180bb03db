import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { insertUser } from '../../../test/harness/insert-user.ts';
import { connectRedis, startTestRedis, type TestRedis } from '../../../test/harness/redis.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { useTestDatabase } from '../../../test/harness/test-database.ts';
import { until } from '../../../test/harness/until.ts';
import { AppError } from '../../base/errors.ts';
import { firstIdAt, newId } from '../../base/ids.ts';
import { Limiter } from '../../platform/limits/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { sql } from '../../platform/postgres/index.ts';
import { defineScript } from '../../platform/redis/index.ts';
import { Plans } from './plans.ts';
import { addUsage } from './queries.ts';
import type { Plan } from './read-plans.ts';
import { monthOf, TokenAccount } from './token-account.ts';
import { type Reservation, TokenBudget } from './token-budget.ts';

const log = createLogger({ level: 'silent' });
const plan = { name: 'free', requests: [], requestsPerKey: [], tokensPerMonth: 1_000, modelCallsAtOnce: undefined };
const unlimitedPlan: Plan = { ...plan, name: 'unlimited', tokensPerMonth: undefined };
const plans = new Plans(
  new Map([
    ['free', plan],
    ['unlimited', unlimitedPlan],
  ]),
  log,
);

/** An hour, the most that a target may be given. */
const LONGEST_CALL_MS = 3_600_000;

const { postgres } = useTestDatabase();
let server: TestRedis;
let nowMs = Date.parse('2026-11-22T12:00:00Z');

beforeAll(async () => {
  server = await startTestRedis();
});

afterAll(async () => {
  server.thaw();
  await server.stop();
});

/** Has the database know of more tokens that a user has used. */
async function addUse(userId: string, usedTokens: number): Promise<void> {
  const row = { userId, day: '2026-11-03', model: 'm', requests: 1, promptTokens: 0, completionTokens: usedTokens };
  await postgres.query(addUsage({ writer: newId(), batch: 1, rows: [row] }), testContext());
}

/** A user who has used so many tokens. */
async function createUser(usedTokens = 0): Promise<{ userId: string; plan: string }> {
  const userId = await insertUser(postgres);
  await addUse(userId, usedTokens);
  return { userId, plan: 'free' };
}

/** What a server has. */
async function open(url?: string, commandTimeoutMs?: number) {
  const redis = url === undefined ? undefined : await connectRedis(url, commandTimeoutMs);
  const clock = { now: () => new Date(nowMs), monotonicMs: () => performance.now() };
  const limiter = new Limiter({ redis, clock });
  const parts = { database: postgres, observers: {}, redis, limiter, plans, clock, log };
  const budget = new TokenBudget({ ...parts, longestCallMs: LONGEST_CALL_MS });
  limiter.start();
  onTestFinished(async () => {
    server.thaw();
    await limiter.stop();
    await redis?.close();
  });
  return { budget, limiter, redis };
}

/** Two servers that know of each other. */
async function openTwo() {
  // Not so long that a frozen Redis holds a test up, nor so short that one that was thawed seems frozen on a busy machine.
  const [first, second] = await Promise.all([open(server.url, 500), open(server.url, 500)]);
  await until(() => first.limiter.instanceCount === 2 && second.limiter.instanceCount === 2);
  const isAvailable = () => [first, second].every(({ redis }) => redis?.isAvailable);
  return {
    ...{ first, second },
    freeze: async () => {
      server.freeze();
      await until(() => first.redis?.isAvailable === false && second.redis?.isAvailable === false);
    },
    thaw: async () => {
      server.thaw();
      await until(isAvailable);
    },
    reserveFourEach: async (who: { userId: string; plan: string }, tokens: number) =>
      await Promise.all(
        [first, first, first, first, second, second, second, second].map(({ budget }) =>
          budget.reserve(who, tokens, testContext().deadline),
        ),
      ),
  };
}

/** Reserves so often at once; the reservations that were made. */
async function reserve(budgets: readonly TokenBudget[], who: { userId: string; plan: string }, tokens: number) {
  const tries = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) =>
      budgets[index % budgets.length]?.reserve(who, tokens, testContext().deadline),
    ),
  );
  for (const refused of tries.filter(({ status }) => status === 'rejected')) {
    expect(refused).toMatchObject({ reason: { code: 'limits.tokens_exceeded', status: 429 } });
  }
  return tries.flatMap((tried) => (tried.status === 'fulfilled' && tried.value !== undefined ? [tried.value] : []));
}

describe.each([
  ['without Redis', () => undefined],
  ['with Redis', () => server.url],
])('%s', (_name, url) => {
  test('of 100 at once, so many are let through that no more than one goes over the limit', async () => {
    const { budget } = await open(url());
    expect(await reserve([budget], await createUser(), 300)).toHaveLength(4);
    expect(await reserve([budget], await createUser(1_000), 1)).toHaveLength(0);
    expect(await reserve([budget], await createUser(999), 300)).toHaveLength(1);
  });

  test('what was set aside comes back when it is settled, but for what was used; and only once', async () => {
    const { budget, redis } = await open(url());
    const who = await createUser();
    for (const reservation of await reserve([budget], who, 300)) {
      reservation.settle(100);
      reservation.settle(100);
    }
    // A Redis that does not know the script yet is sent it once it has said so.
    for (let round = 0; round < 2; round++) await redis?.ping();
    await until(async () => (await budget.inspect(who, testContext().deadline))?.used === 400);
    expect(await reserve([budget], who, 300)).toHaveLength(2);
  });

  test('what a user was given this month, by a server whose clock is behind, is let through beside the plan', async () => {
    const { budget } = await open(url());
    const who = await createUser(1_000);
    const give = async (at: string, tokens: number) => {
      const statement = sql`
        -- test.give_tokens
        insert into rewards (user_id, id, tokens, created_at) values
          (${who.userId}, ${firstIdAt(new Date(Date.parse(at) - 30_000))}, ${tokens}::bigint, ${at}::timestamptz)`;
      await postgres.query(statement, testContext());
    };
    await give('2026-11-01T00:00:00Z', 200);
    await give('2026-11-30T23:59:59Z', 300);
    await give('2026-12-01T00:00:00Z', 9_000);
    await give('2026-10-31T23:59:59Z', 9_000);
    expect((await budget.inspect(who, testContext().deadline))?.limit).toBe(1_500);
    expect(await reserve([budget], who, 300)).toHaveLength(2);
  });

  test('what was used on a plan without a limit counts when the user is back on one with a limit', async () => {
    const { budget } = await open(url());
    const who = await createUser();
    for (const reservation of await reserve([budget], who, 300)) reservation.settle(10);
    for (const reservation of await reserve([budget], { ...who, plan: 'unlimited' }, 1_000)) reservation.settle(100);
    await addUse(who.userId, 10_000);
    expect(await reserve([budget], who, 1)).toHaveLength(0);
  });

  test('the tokens of a plan begin anew with the month', async () => {
    const { budget } = await open(url());
    const who = await createUser(1_000);
    expect(await reserve([budget], who, 10)).toHaveLength(0);
    nowMs = Date.parse('2026-12-01T00:00:00Z');
    expect(await reserve([budget], who, 1_000)).toHaveLength(1);
    nowMs = Date.parse('2026-11-22T12:00:00Z');
  });

  test('what is used when a call ends in the next month counts in that, also elsewhere', async () => {
    const servers = await Promise.all([open(url()), open(url())]);
    const who = await createUser();
    const [first, second] = url() === undefined ? [servers[0], servers[0]] : servers;
    const underWay = await first.budget.reserve(who, 10, testContext().deadline);
    onTestFinished(() => {
      nowMs = Date.parse('2026-11-22T12:00:00Z');
    });
    nowMs = Date.parse('2026-12-01T00:00:00Z');
    for (const { budget } of [first, second]) (await budget.reserve(who, 10, testContext().deadline)).settle(0);
    underWay.settle(1_000);
    await first.redis?.ping();
    expect(await reserve([second.budget], who, 1)).toHaveLength(0);
  });
});

test('two servers together let no more than one go over the limit', async () => {
  const [first, second] = await Promise.all([open(server.url), open(server.url)]);
  const who = await createUser();
  expect(await reserve([first.budget, second.budget], who, 300)).toHaveLength(4);
  expect(await reserve([(await open(server.url)).budget], who, 300)).toHaveLength(0);
});

test('what is set aside stays so in Redis for as long as a call may take', async () => {
  const { budget, redis } = await open(server.url);
  const { userId } = await createUser();
  await budget.reserve({ userId, plan: 'free' }, 1, testContext().deadline);
  const held = defineScript(`return redis.call('hvals', KEYS[1])`);
  const answer = await redis?.run(held, [`evenkeel:tokens:{${userId}}:2026-11-01:reserved`], []);
  const [tokens, untilMs] = String(answer).split(':');
  expect(tokens).toBe('1');
  expect(Number(untilMs)).toBeGreaterThan(Date.now() + LONGEST_CALL_MS);
});

test('a Redis that is restarted, and knows nothing of what was set aside, does not have it given out once more', async () => {
  const { budget, redis } = await open(server.url);
  const who = await createUser();
  const held = await reserve([budget], who, 300);
  expect(held).toHaveLength(4);
  await server.kill();
  await until(() => redis?.isAvailable === false);
  await server.restart();
  await until(async () => (await redis?.ping()) === true && redis?.isAvailable === true);
  expect(await reserve([budget], who, 300)).toHaveLength(0);
  for (const reservation of held) reservation.settle(0);
  expect(await reserve([budget], who, 300)).toHaveLength(4);
});

describe('when Redis is back', () => {
  test('what was set aside before and given back meanwhile is free, at once here and within moments elsewhere', async () => {
    const { first, second, freeze, thaw } = await openTwo();
    const [here, elsewhere] = [await createUser(), await createUser()];
    const held = [...(await reserve([first.budget], here, 300)), ...(await reserve([first.budget], elsewhere, 300))];
    expect(held).toHaveLength(8);
    await freeze();
    for (const reservation of held) reservation.settle(0);
    await thaw();
    expect(await reserve([first.budget], here, 300)).toHaveLength(4);
    await until(async () => (await reserve([second.budget], elsewhere, 1_000)).length > 0);
  });

  test('what it was asked for in vain, and sets aside when it thaws though it was refused, is free', async () => {
    const { first, second, thaw } = await openTwo();
    const who = await createUser();
    server.freeze();
    // More than this server's part.
    expect(await reserve([first.budget], who, 600)).toHaveLength(0);
    await thaw();
    await until(async () => (await reserve([second.budget], who, 1_000)).length > 0);
  });

  test.each([
    ['was asked for it in vain', () => server.freeze()],
    ['was not asked', (freeze: () => Promise<void>) => freeze()],
  ])('what was set aside while it %s counts when it is used', async (_name, stall) => {
    const { first, second, freeze, thaw, reserveFourEach } = await openTwo();
    const who = await createUser();
    await stall(freeze);
    const held = await reserveFourEach(who, 100);
    await thaw();
    for (const reservation of held) reservation.settle(100);
    // Redis may not know the script yet; then it is sent it once it has said so.
    for (let round = 0; round < 2; round++) await Promise.all([first.redis?.ping(), second.redis?.ping()]);
    expect(await reserve([first.budget, second.budget], who, 100)).toHaveLength(2);
  });

  test('what was used meanwhile counts on every server, and once', async () => {
    const { first, second, freeze, thaw, reserveFourEach } = await openTwo();
    const who = await createUser();
    await freeze();
    for (const reservation of await reserveFourEach(who, 100)) reservation.settle(100);
    await addUse(who.userId, 800);
    await thaw();
    const [usedKey] = new TokenAccount(who.userId, monthOf(nowMs)).keys;
    await until(async () => (await first.redis?.get(usedKey)) === '800');
    expect(await reserve([first.budget, second.budget], who, 100)).toHaveLength(2);
  });
});

test('with Redis frozen, two servers give out their parts of what is left', async () => {
  const { first, second } = await openTwo();
  const who = await createUser(200);
  server.freeze();
  expect(await reserve([first.budget, second.budget], who, 100)).toHaveLength(8);
  expect(await reserve([first.budget, second.budget], who, 100)).toHaveLength(0);
});

test('with Redis away, two servers give out their parts of what is left once, also when each use is settled', async () => {
  const { first, second, freeze } = await openTwo();
  const who = await createUser(200);
  await freeze();
  const countUses = async ({ budget }: { budget: TokenBudget }): Promise<number> => {
    for (let uses = 0; ; uses++) {
      const reservation = await budget.reserve(who, 100, testContext().deadline).catch((error: unknown) => error);
      if (reservation instanceof AppError) {
        expect(reservation.code).toBe('limits.tokens_exceeded');
        return uses;
      }
      (reservation as Reservation).settle(100);
    }
  };
  expect([await countUses(first), await countUses(second)]).toEqual([4, 4]);
  // What the database knows by then is everybody's.
  await addUse(who.userId, 800);
  await until(async () => (await first.budget.inspect(who, testContext().deadline))?.used === 1_000);
  expect([await countUses(first), await countUses(second)]).toEqual([0, 0]);
});
