import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ask, openCache, openDeafCache, TTL_MS, useTestSource } from '../../../test/harness/cache-fixture.ts';
import { connectRedis, HASTY_MS, useTestRedis } from '../../../test/harness/redis.ts';
import { until } from '../../../test/harness/until.ts';
import { newId } from '../../base/ids.ts';
import { postgresErrors } from '../postgres/index.ts';
import { type Cache, MAX_TTL_MS } from './cache.ts';

const own = useTestRedis();
let admin: Client;
const { clock, source } = useTestSource();
let name: string;

beforeAll(() => {
  admin = new Client(own.server.url);
});

afterAll(() => admin.disconnect());

beforeEach(() => {
  name = newId();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await admin.flushall();
});

/** One of the caches that share the Redis, as each process has one. */
const open = () => openCache(source, clock, { redis: own.redis, name });
const keysOf = (kind: string) => admin.keys(`*:${kind}:*`);

async function stored(): Promise<string> {
  await until(async () => (await keysOf('value')).length === 1);
  return (await keysOf('value'))[0] ?? '';
}

test('another process takes the value from Redis, at its true age', async () => {
  await ask(open());
  await stored();
  const other = open();
  clock.advance(TTL_MS - 1_000);
  expect(await ask(other)).toBe('ann/1 at 1');
  expect(source.loads).toBe(1);
  expect(other.statistics()).toMatchObject({ hits: 1, misses: 0, tags: 1 });
  clock.advance(1_000);
  await ask(other);
  expect(source.loads).toBe(2);
});

test('a key that lapses under a crowd is loaded once by all processes together', async () => {
  const caches = [open(), open(), open()];
  const release = Promise.withResolvers<void>();
  source.beforeAnswer = () => release.promise;
  const crowd = caches.flatMap((cache) => Array.from({ length: 300 }, () => ask(cache)));
  await until(() => source.loads > 0);
  setTimeout(() => release.resolve(), 100);
  expect(new Set(await Promise.all(crowd))).toEqual(new Set(['ann/1 at 1']));
  expect(source.loads).toBe(1);
});

test('nobody is stuck when the process that has the lease dies', async () => {
  const dead = open();
  source.beforeAnswer = () => new Promise(() => {});
  void ask(dead);
  await until(() => source.loads === 1);
  source.beforeAnswer = async () => {};
  expect(await ask(open())).toBe('ann/1 at 1');
  expect(source.loads).toBe(2);
});

test.each([
  ['finds nothing', 'nobody/1', () => {}],
  ['fails', 'ann/1', () => Promise.reject(postgresErrors.raise.unavailable())],
])('who waits for a process that %s looks itself as soon as that is over', async (_what, key, end) => {
  const release = Promise.withResolvers<void>();
  source.beforeAnswer = () => release.promise.then(end);
  void ask(open(), key).catch(() => {});
  await until(() => source.loads === 1);
  const looks = vi.spyOn(own.redis, 'getAll');
  const waiting = ask(open(), key);
  await until(() => looks.mock.calls.length > 0);
  source.beforeAnswer = async () => {};
  release.resolve();
  await waiting;
  // Of the 25 for which there is time.
  expect(looks.mock.calls.length).toBeLessThan(10);
});

test('who waits for another process waits no longer while Redis is slow', async () => {
  source.beforeAnswer = () => new Promise(() => {});
  void ask(open());
  await until(() => source.loads === 1);
  source.beforeAnswer = async () => {};
  const look = own.redis.getAll.bind(own.redis);
  const looks = vi.spyOn(own.redis, 'getAll').mockImplementation(async (keys) => {
    await sleep(200);
    return await look(keys);
  });
  await ask(open());
  expect(looks.mock.calls.length).toBeLessThan(4);
});

test('while nothing that Redis holds may be believed, it is not asked, nor does it serve by grace', async () => {
  const other = open();
  for (const key of ['ann/1', 'ann/2']) await ask(other, key);
  await until(async () => (await keysOf('value')).length === 2);
  const cache = open();
  // More changes than are remembered.
  for (let index = 0; index <= 100_000; index++) cache.hear(`user-${index}`, 1);
  const [read, claimed] = [vi.spyOn(own.redis, 'get'), vi.spyOn(own.redis, 'setIfAbsent')];
  expect(await ask(cache)).toBe('ann/1 at 1');
  expect(source.loads).toBe(3);
  expect([read.mock.calls, claimed.mock.calls]).toEqual([[], []]);
  source.isAway = true;
  await expect(ask(cache, 'ann/2')).rejects.toMatchObject({ status: 503 });
});

test('a process that does not hear of changes neither asks Redis nor waits for who loads the same', async () => {
  const [read, claimed] = [vi.spyOn(own.redis, 'get'), vi.spyOn(own.redis, 'setIfAbsent')];
  expect(await ask(openDeafCache(source, clock, { redis: own.redis, name }))).toBe('ann/1 at 1');
  expect([read.mock.calls, claimed.mock.calls]).toEqual([[], []]);
});

test('a load that fails or finds nothing gives its lease back', async () => {
  await ask(open(), 'nobody/1');
  source.isAway = true;
  await expect(ask(open())).rejects.toMatchObject({ status: 503 });
  await until(async () => (await keysOf('lease')).length === 0);
});

test('what another process read serves in grace, unless Redis knows that it was revoked', async () => {
  const [first, second, third] = [open(), open(), open()];
  await ask(first);
  await stored();
  source.isAway = true;
  clock.advance(TTL_MS);
  expect(await ask(second)).toBe('ann/1 at 1');
  first.invalidate('ann', 2);
  await until(async () => (await keysOf('floor')).length === 1);
  // Neither of the others has heard of it.
  await expect(ask(second)).rejects.toMatchObject({ status: 503 });
  await expect(ask(third)).rejects.toMatchObject({ status: 503 });
});

test.each([
  ['is asked for the first time', async () => {}],
  [
    'had found out, and has forgotten',
    async (cache: Cache<string>) => {
      expect(await ask(cache)).toBeUndefined();
      clock.advance(31_000);
    },
  ],
])(
  'what was revoked before a process started serves nobody there, though Redis was not told: it %s',
  async (_what, happen) => {
    await ask(open());
    await stored();
    source.versions.delete('ann');
    clock.advance(1);
    const late = open();
    await happen(late);
    source.isAway = true;
    await expect(ask(late)).rejects.toMatchObject({ status: 503 });
  },
);

test('a change that was heard of is remembered for as long as a grace that is longer than any time to live', async () => {
  const [other, cache] = [1, 2].map(() =>
    openCache(source, clock, { redis: own.redis, name, graceMs: 3 * MAX_TTL_MS }),
  ) as [Cache<string>, Cache<string>];
  await ask(other);
  await stored();
  cache.hear('ann', 2);
  clock.advance(2 * MAX_TTL_MS);
  // Has those forgotten that are no longer needed.
  cache.hear('bob', 1);
  source.isAway = true;
  await expect(ask(cache)).rejects.toMatchObject({ status: 503 });
});

test('a change that Redis did not take is noted in it as soon as it does, and only the last one of its kind', async () => {
  const told = vi.spyOn(own.redis, 'run').mockResolvedValue(undefined);
  const cache = open();
  cache.invalidate('ann', 3);
  cache.invalidate('ann', 2);
  cache.invalidate('bob', 1);
  await until(() => told.mock.calls.length >= 5);
  told.mockRestore();
  await until(async () => (await keysOf('floor')).length === 2);
  const [key = ''] = (await keysOf('floor')).filter((floor) => floor.endsWith(':ann'));
  expect(await admin.get(key)).toBe('3');
  const later = vi.spyOn(own.redis, 'run');
  await sleep(1_500);
  expect(later.mock.calls).toEqual([]);
});

test('a value from before a change that its reader has not heard of is not stored in Redis', async () => {
  const release = Promise.withResolvers<void>();
  source.beforeAnswer = () => release.promise;
  const late = ask(open());
  await until(() => source.loads === 1);
  open().invalidate('ann', source.change('ann'));
  await until(async () => (await keysOf('floor')).length === 1);
  release.resolve();
  await late;
  await until(async () => (await keysOf('lease')).length === 0);
  expect(await keysOf('value')).toEqual([]);
});

test('a process that starts believes nothing that was read before it heard of changes', async () => {
  await ask(open());
  await stored();
  clock.advance(1);
  const late = open();
  await ask(late);
  expect(source.loads).toBe(2);
});

test('a poisoned value in Redis is a miss and is overwritten', async () => {
  await ask(open());
  const key = await stored();
  const good = await admin.get(key);
  const soonMs = source.nowMs() + 1_000_000;
  const poisons = [
    '',
    '{',
    'null',
    '[]',
    '{"value":"evil"}',
    '[2,1,"ann",1]',
    `[1,${source.nowMs()},"ann",1,"evil"]`,
    `[3,${source.nowMs()},"ann",1,"evil"]`,
    `[2,${source.nowMs()},"ann",1,{"evil":true}]`,
    `[2,${source.nowMs()},7,1,"evil"]`,
    `[2,${source.nowMs()},"ann","1","evil"]`,
    `[2,"${source.nowMs()}","ann",1,"evil"]`,
    `[2,${soonMs},"ann",1,"evil"]`,
    `[2,${source.nowMs()},"ann",1e400,"evil"]`,
  ];
  for (const poison of poisons) {
    await admin.set(key, poison);
    expect([poison, await ask(open())]).toEqual([poison, 'ann/1 at 1']);
    await until(async () => (await admin.get(key)) === good);
  }
  await admin.del(key);
  await admin.lpush(key, 'evil');
  expect(await ask(open())).toBe('ann/1 at 1');
});

test.each([
  ['a list', (floor: string) => admin.lpush(floor, 'evil')],
  ['what is no number', (floor: string) => admin.set(floor, 'nan')],
])('a poisoned floor in Redis, %s, is written over, and keeps no value from being stored', async (_, poison) => {
  const cache = open();
  const floor = `evenkeel:${name}:floor:ann`;
  await poison(floor);
  await ask(cache);
  await stored();
  cache.invalidate('ann', 2);
  await until(async () => (await admin.type(floor)) === 'string' && (await admin.get(floor)) !== 'nan');
  expect(await admin.get(floor)).toBe('2');
});

test('no key stands in Redis, neither in a key nor in a value that does not hold it, and all of it lapses, after its grace', async () => {
  const cache = open();
  cache.invalidate('ann', 1);
  await until(async () => (await keysOf('floor')).length === 1);
  await ask(cache, 'ann/secret-part');
  await until(async () => (await admin.keys('*')).length === 3);
  const keys = await admin.keys('*');
  expect(keys.join()).not.toContain('secret-part');
  for (const key of keys) expect(await admin.pttl(key)).toBeGreaterThan(TTL_MS);
});

test('a frozen or lost Redis costs its time-out once and changes no answer', async () => {
  const hasty = await connectRedis(own.server.url, HASTY_MS);
  onTestFinished(() => hasty.close());
  const cache = openCache(source, clock, { redis: hasty, name });
  await ask(cache);
  own.server.freeze();
  try {
    for (let index = 0; index < 20; index++) {
      source.change(`user-${index}`);
      expect(await ask(cache, `user-${index}/1`)).toBe(`user-${index}/1 at 1`);
    }
    expect(await ask(cache)).toBe('ann/1 at 1');
  } finally {
    own.server.thaw();
  }
});
