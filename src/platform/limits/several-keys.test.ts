import { expect, onTestFinished, test } from 'vitest';
import { connectRedis, useTestRedis } from '../../../test/harness/redis.ts';
import { defineScript, type Redis } from '../redis/index.ts';
import { createFailureLimiter } from './failure-limiter.ts';
import { type Allowance, Limiter } from './limiter.ts';

const own = useTestRedis();
const minute = { name: 'minute', durationMs: 60_000 };
const hour = { name: 'hour', durationMs: 3_600_000 };
const day = { name: 'day', durationMs: 86_400_000 };

const clock = { now: () => new Date('2026-11-22T12:00:20Z'), monotonicMs: () => performance.now() };

/** A limiter as each server has one. */
async function open(maxKeys?: number): Promise<Limiter> {
  const redis = await connectRedis(own.server.url);
  onTestFinished(() => redis.close());
  return new Limiter({ redis, clock, maxKeys });
}

async function countAllowed(limiter: Limiter, tries: number, allowances: readonly Allowance[]): Promise<number> {
  const verdicts = await Promise.all(Array.from({ length: tries }, () => limiter.consume(allowances)));
  return verdicts.filter(({ isAllowed }) => isAllowed).length;
}

async function remainingOf(limiter: Limiter, allowance: Allowance): Promise<number | undefined> {
  return (await limiter.inspect(allowance))[0]?.remaining;
}

test('a burst that the limit of one key refuses takes nothing of the other key from other servers', async () => {
  const [first, second] = await Promise.all([open(), open()]);
  const user = { key: 'user', rules: [{ window: minute, limit: 5 }] };
  const key = { key: 'key', rules: [{ window: hour, limit: 90 }] };
  expect(await countAllowed(first, 500, [user, key])).toBe(5);
  expect(await remainingOf(second, key)).toBe(85);
  expect(await countAllowed(second, 500, [key])).toBe(85);
});

test('bursts of several keys that share one at once lease no more of their own than a block beside what they get', async () => {
  const [first, second] = await Promise.all([open(), open()]);
  const user = { key: 'shared', rules: [{ window: minute, limit: 1_000 }] };
  const keys = ['a', 'b', 'c'].map((key) => ({ key, rules: [{ window: hour, limit: 1_000 }] }));
  const allowed = await Promise.all(keys.map((key) => countAllowed(first, 1_000, [user, key])));
  expect(allowed.reduce((sum, each) => sum + each)).toBe(1_000);
  for (const [index, key] of keys.entries()) {
    expect(await remainingOf(second, key)).toBeGreaterThanOrEqual(1_000 - (allowed[index] ?? 0) - 10);
  }
});

test('the few who wait for a key lease no more of it for the many who wait for what it shares with others', async () => {
  const [first, second] = await Promise.all([open(), open()]);
  const user = { key: 'crowded', rules: [{ window: minute, limit: 10_000 }] };
  const rules = [{ window: hour, limit: 1_000 }];
  const few = { key: 'few', rules };
  const many = { key: 'many', rules };
  await Promise.all([countAllowed(first, 30, [user, few]), countAllowed(first, 500, [user, many])]);
  expect(await remainingOf(second, few)).toBeGreaterThanOrEqual(1_000 - 30 - 10);
});

test('what is leased of one key is used, also when nobody gets more of it and another key must be leased', async () => {
  const [first, second] = await Promise.all([open(), open()]);
  const user = { key: 'scarce', rules: [{ window: minute, limit: 1_000 }] };
  expect(await countAllowed(first, 1, [user])).toBe(1);
  expect(await countAllowed(second, 2_000, [user])).toBe(990);
  expect(await remainingOf(first, user)).toBe(9);
  expect(await countAllowed(first, 20, [user, { key: 'fresh', rules: [{ window: hour, limit: 100 }] }])).toBe(9);
});

test('a count is kept for a minute after its window, for servers whose clocks are behind', async () => {
  const limiter = await open();
  await limiter.consume([{ key: 'kept', rules: [{ window: minute, limit: 5 }] }]);
  const key = `evenkeel:leases:{kept}:minute:${Date.parse('2026-11-22T12:00:00Z')}`;
  // Of the window 40 seconds are left.
  expect(await own.redis.run(defineScript(`return redis.call('pttl', KEYS[1])`), [key], [])).toBeGreaterThan(60_000);
});

test('two servers let exactly the limit of what their keys share through, whichever key is asked for', async () => {
  const limiters = await Promise.all([open(), open()]);
  const user = { key: 'anna', rules: [{ window: minute, limit: 50 }] };
  const tries = Array.from({ length: 400 }, (_, index) => {
    const key = { key: `anna-${index % 7}`, rules: [{ window: hour, limit: 20 }] };
    return limiters[index % 2]?.consume([user, key]);
  });
  expect((await Promise.all(tries)).filter((verdict) => verdict?.isAllowed)).toHaveLength(50);
});

test('failures of one account that are refused take none of its address from other servers', async () => {
  const [first, second] = (await Promise.all([open(), open()])).map((limiter) =>
    createFailureLimiter({
      ...{ limiter, name: 'test' },
      perAccount: [{ window: minute, limit: 10 }],
      perIp: [{ window: minute, limit: 50 }],
    }),
  );
  const fail = async (limiter = first, account = 'ann') =>
    (await Promise.all(Array.from({ length: 200 }, () => limiter?.({ account, ip: '192.0.2.1' })))).filter(
      (failure) => failure?.isAllowed,
    ).length;
  expect(await fail()).toBe(10);
  for (const account of ['bob', 'cid', 'dan', 'eve']) expect(await fail(second, account)).toBe(10);
  expect(await fail(second, 'fay')).toBe(0);
});

test('a server that meets a key for the first time takes few points of a large limit along', async () => {
  const limiters = await Promise.all(Array.from({ length: 5 }, () => open()));
  const user = { key: 'rare', rules: [{ window: day, limit: 50_000 }] };
  for (const limiter of limiters) await limiter.consume([user]);
  expect(await remainingOf(await open(), user)).toBeGreaterThanOrEqual(50_000 - 50);
});

test('a server that forgets a key each time takes few points of it along, and lets hundreds through', async () => {
  const limiter = await open(1);
  const user = { key: 'often', rules: [{ window: day, limit: 10_000 }] };
  for (let visit = 0; visit < 300; visit++) {
    expect(await limiter.consume([user])).toMatchObject({ isAllowed: true });
    await limiter.consume([{ key: 'another', rules: user.rules }]);
  }
});

test('a flood of made-up keys while Redis is away has no debt of others forgotten', async () => {
  const [limiter, other] = [await open(10), await open()];
  const user = { key: 'indebted', rules: [{ window: hour, limit: 5 }] };
  limiter.start();
  onTestFinished(() => limiter.stop());
  own.server.freeze();
  const apart = limiter.apart();
  for (let n = 0; n < 20; n++) await apart.consume([{ key: `made-up-${n}`, rules: user.rules }]);
  await limiter.consume([user]);
  own.server.thaw();
  await expect.poll(() => remainingOf(other, user)).toBe(4);
});

test('a debt that Redis did not hear of when it was paid is paid a moment later', async () => {
  let [isAvailable, isHeard] = [false, false];
  const run: Redis['run'] = async (script, keys, values) => {
    const isLost = keys[0]?.includes(':leases:') && !isHeard;
    if (isLost) isHeard = isAvailable;
    return isAvailable && !isLost ? await own.redis.run(script, keys, values) : undefined;
  };
  const shaky = {
    get isAvailable() {
      return isAvailable;
    },
    run,
  } as Redis;
  const limiter = new Limiter({ redis: shaky, clock });
  limiter.start();
  onTestFinished(() => limiter.stop());
  const user = { key: 'unheard', rules: [{ window: hour, limit: 5 }] };
  await limiter.consume([user]);
  isAvailable = true;
  const other = await open();
  await expect.poll(() => remainingOf(other, user)).toBe(4);
});
