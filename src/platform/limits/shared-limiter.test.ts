import { Redis as Client } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connectRedis, HASTY_MS, startTestRedis, type TestRedis } from '../../../test/harness/redis.ts';
import { until } from '../../../test/harness/until.ts';
import type { Redis } from '../redis/index.ts';
import { Limiter } from './limiter.ts';
import type { LimitRule } from './window.ts';

const minute = { name: 'minute', durationMs: 60_000 };
const hour = { name: 'hour', durationMs: 3_600_000 };
const limitOf = (limit: number): readonly LimitRule[] => [
  { window: minute, limit },
  { window: hour, limit: limit * 10 },
];
const five = limitOf(5);

let server: TestRedis;
let admin: Client;
let nowMs: number;

beforeAll(async () => {
  server = await startTestRedis();
  admin = new Client(server.url);
});

beforeEach(() => {
  nowMs = Date.parse('2026-11-22T12:00:20Z');
});

afterEach(async () => {
  server.thaw();
  await admin.flushall();
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

/** A limiter as each server has one. It counts the servers when it is told to. */
async function open(commandTimeoutMs?: number, maxKeys?: number): Promise<{ limiter: Limiter; redis: Redis }> {
  const redis = await connectRedis(server.url, commandTimeoutMs);
  const clock = { now: () => new Date(nowMs), monotonicMs: () => performance.now() };
  const limiter = new Limiter({ redis, clock, ...(maxKeys !== undefined && { maxKeys }) });
  onTestFinished(async () => {
    await limiter.stop();
    await redis.close();
  });
  return { limiter, redis };
}

/** Two that know of each other, and do not wait long for Redis. */
async function openTwo() {
  const [first, second] = await Promise.all([open(HASTY_MS), open(HASTY_MS)]);
  first.limiter.start();
  second.limiter.start();
  await until(() => first.limiter.instanceCount === 2 && second.limiter.instanceCount === 2);
  return [first, second] as const;
}

async function countAllowed(limiters: readonly Limiter[], tries: number, rules = five): Promise<number> {
  const verdicts = await Promise.all(
    Array.from({ length: tries }, (_, index) => limiters[index % limiters.length]?.consume([{ key: 'a', rules }])),
  );
  return verdicts.filter((verdict) => verdict?.isAllowed).length;
}

/** How often Redis was asked for a lease during some work. */
async function countCommands(work: () => Promise<unknown>): Promise<number> {
  await admin.config('RESETSTAT');
  await work();
  const counted = /cmdstat_evalsha:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1];
  return Number(counted ?? 0);
}

describe('with Redis', () => {
  test('one server lets exactly 5 of 100 at once through', async () => {
    const { limiter } = await open();
    expect(await countAllowed([limiter], 100)).toBe(5);
    expect(await countAllowed([limiter], 100)).toBe(0);
  });

  test('two servers let exactly 5 of 100 at once through', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    expect(await countAllowed([first.limiter, second.limiter], 100)).toBe(5);
    expect(await countAllowed([first.limiter, second.limiter], 100)).toBe(0);
  });

  test('two servers let exactly 1,000 through, for far less than a command each, and refuse for none', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    const limiters = [first.limiter, second.limiter];
    const rules = limitOf(1_000);
    let allowed = 0;
    const commands = await countCommands(async () => {
      for (let index = 0; index < 1_000; index++) allowed += await countAllowed(limiters, 2, rules);
    });
    expect(allowed).toBe(1_000);
    expect(commands).toBeLessThan(450);
    expect(await countCommands(() => countAllowed(limiters, 1_000, rules))).toBe(0);
  });

  test('a busy key costs less than one command in ten requests', async () => {
    const { limiter } = await open();
    const commands = await countCommands(async () => {
      for (let index = 0; index < 1_000; index++) await limiter.consume([{ key: 'a', rules: limitOf(2_000) }]);
    });
    expect(commands).toBeLessThan(100);
  });

  test('a server that many ask at once takes no more of one window than another lets it use', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    const rules = limitOf(5);
    expect(await countAllowed([first.limiter], 100, rules)).toBe(5);
    const standings = await second.limiter.inspect({ key: 'a', rules });
    expect(standings.map(({ remaining }) => remaining)).toEqual([0, 45]);
  });

  test('begins anew with the window, on every server', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    expect(await countAllowed([first.limiter], 100)).toBe(5);
    nowMs += 60_000;
    expect(await countAllowed([second.limiter], 100)).toBe(5);
    expect(await countAllowed([first.limiter], 100)).toBe(0);
    nowMs += 60_000;
    expect(await countAllowed([first.limiter], 100)).toBe(5);
  });

  test('one server knows what is left of what another has let through', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    expect(await countAllowed([first.limiter], 3)).toBe(3);
    const [standing] = await second.limiter.inspect({ key: 'a', rules: five });
    expect(standing).toMatchObject({ remaining: 2, endsAtMs: Date.parse('2026-11-22T12:01:00Z') });
    expect(await countAllowed([second.limiter], 100)).toBe(2);
  });

  test('a lower limit holds from the next request on, whatever was leased under a higher one', async () => {
    const { limiter } = await open();
    expect(await countAllowed([limiter], 1, limitOf(1_000))).toBe(1);
    expect(await countAllowed([limiter], 100)).toBe(4);
  });

  test('a poisoned count is written over', async () => {
    const key = `evenkeel:leases:{a}:minute:${Date.parse('2026-11-22T12:00:00Z')}`;
    const [first, second] = await Promise.all([open(), open()]);
    await admin.hset(key, 'total', 'no number');
    expect(await countAllowed([first.limiter], 3)).toBe(3);
    await admin.set(key, 'no count');
    expect(await countAllowed([first.limiter], 100)).toBe(2);
    expect(await countAllowed([second.limiter], 100)).toBe(0);
  });
});

test('a Redis that has lost its counts gives no points once more to those who used them here, and learns of them', async () => {
  const [{ limiter }, other] = [await open(), await open()];
  expect(await countAllowed([limiter], 3)).toBe(3);
  await admin.flushall();
  expect(await countAllowed([limiter], 100)).toBe(2);
  await admin.flushall();
  expect(await countAllowed([limiter], 100)).toBe(0);
  await limiter.inspect({ key: 'a', rules: five });
  expect(await countAllowed([other.limiter], 100)).toBe(0);
});

test('a Redis that has lost its counts learns of them from every server', async () => {
  const [first, second] = [await open(), await open()];
  expect(await countAllowed([first.limiter], 2)).toBe(2);
  expect(await countAllowed([second.limiter], 2)).toBe(2);
  await admin.flushall();
  await first.limiter.inspect({ key: 'a', rules: five });
  await second.limiter.inspect({ key: 'a', rules: five });
  expect(await countAllowed([first.limiter, second.limiter], 100)).toBe(1);
});

describe('a server that no longer knows what it leased is not given it once more', () => {
  test('when it has forgotten the key', async () => {
    const { limiter } = await open(undefined, 1);
    expect(await countAllowed([limiter], 3)).toBe(3);
    await limiter.consume([{ key: 'b', rules: five }]);
    expect(await countAllowed([limiter], 100)).toBe(2);
  });

  test('when its clock was set back and forward again', async () => {
    const { limiter } = await open();
    expect(await countAllowed([limiter], 3)).toBe(3);
    nowMs -= 60_000;
    await limiter.inspect({ key: 'a', rules: five });
    nowMs += 60_000;
    expect(await countAllowed([limiter], 100)).toBe(2);
  });
});

describe('with Redis frozen', () => {
  test('one server lets exactly 5 of 100 at once through', async () => {
    const { limiter } = await open(HASTY_MS);
    server.freeze();
    expect(await countAllowed([limiter], 100)).toBe(5);
    expect(await countAllowed([limiter], 100)).toBe(0);
  });

  test('two servers let exactly 5 of 200 at once through, each its part', async () => {
    const [first, second] = await openTwo();
    server.freeze();
    const each = [await countAllowed([first.limiter], 100), await countAllowed([second.limiter], 100)];
    expect(each.toSorted()).toEqual([2, 3]);
  });

  test('what was let through before counts, and what was leased may still be used', async () => {
    const { limiter } = await open(HASTY_MS);
    expect(await countAllowed([limiter], 3)).toBe(3);
    server.freeze();
    expect(await countAllowed([limiter], 100)).toBe(2);
  });

  test('what another server let through before counts as well, as far as Redis had told', async () => {
    const [first, second] = await openTwo();
    expect(await countAllowed([second.limiter], 4)).toBe(4);
    await first.limiter.inspect({ key: 'a', rules: five });
    server.freeze();
    expect(await countAllowed([first.limiter], 100)).toBe(1);
  });

  test('only the first has to wait, and not for longer than a command may take', async () => {
    const { limiter } = await open(HASTY_MS);
    server.freeze();
    await limiter.consume([{ key: 'b', rules: five }]);
    const startedMs = performance.now();
    const verdicts = Array.from({ length: 50 }, (_, index) => limiter.consume([{ key: `key-${index}`, rules: five }]));
    expect(verdicts.some((verdict) => verdict instanceof Promise)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('what was let through meanwhile counts for all once Redis is back', async () => {
    const [first, second] = await openTwo();
    server.freeze();
    expect(await countAllowed([first.limiter, second.limiter], 4)).toBeGreaterThan(2);
    server.thaw();
    await until(() => first.redis.isAvailable && second.redis.isAvailable);
    await first.limiter.inspect({ key: 'a', rules: five });
    await second.limiter.inspect({ key: 'a', rules: five });
    const [standing] = await first.limiter.inspect({ key: 'a', rules: five });
    expect(standing?.remaining).toBeLessThanOrEqual(2);
    expect(await countAllowed([first.limiter, second.limiter], 100)).toBeLessThanOrEqual(2);
  });
});

test('a debt counts once, and no point is lost, however often Redis stalls while it is being paid', async () => {
  const [first, second] = [await open(HASTY_MS), await open()];
  const rules = limitOf(1_000);
  server.freeze();
  expect(await countAllowed([first.limiter], 100, rules)).toBe(100);
  for (let stall = 1; stall <= 4; stall++) {
    server.thaw();
    await until(() => first.redis.ping());
    server.freeze();
    // This lease is not answered in time, and done all the same when Redis goes on.
    expect(await first.limiter.consume([{ key: 'a', rules }])).toMatchObject({ isAllowed: true });
  }
  server.thaw();
  await until(() => first.redis.ping());
  const standings = await first.limiter.inspect({ key: 'a', rules });
  expect(standings.map(({ remaining }) => remaining)).toEqual([896, 9_896]);
  // Of the block that the first leased unheard, it has used four.
  expect(await countAllowed([second.limiter], 2_000, rules)).toBe(1_000 - 104 - 6);
  expect(await countAllowed([first.limiter], 6, rules)).toBe(6);
});

describe('what a server let through while Redis was away counts for the others soon after it is back', () => {
  /** What the other server finds left of each limit, once Redis is back after so long a time. */
  async function spendAlone(awayMs: number) {
    const [first, second] = await openTwo();
    server.freeze();
    await until(() => !first.redis.isAvailable && !second.redis.isAvailable);
    const allowed = await countAllowed([first.limiter], 100);
    expect(allowed).toBeGreaterThan(1);
    nowMs += awayMs;
    server.thaw();
    await until(() => first.redis.isAvailable && second.redis.isAvailable);
    const inspect = async () =>
      (await second.limiter.inspect({ key: 'a', rules: five })).map(({ remaining }) => remaining);
    return { first, allowed, inspect };
  }

  test('though nobody asks that server again', async () => {
    const { first, allowed, inspect } = await spendAlone(0);
    await until(async () => (await inspect())[0] === 5 - allowed);
    expect(await inspect()).toEqual([5 - allowed, 50 - allowed]);
    expect(await countAllowed([first.limiter], 100)).toBe(5 - allowed);
  });

  test('in the windows that are not over by then', async () => {
    const { allowed, inspect } = await spendAlone(60_000);
    await until(async () => (await inspect())[1] === 50 - allowed);
    expect(await inspect()).toEqual([5, 50 - allowed]);
  });
});
