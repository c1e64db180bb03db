import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ask, openCache, TTL_MS, unavailable, useTestSource } from '../../../test/harness/cache-fixture.ts';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { until } from '../../../test/harness/until.ts';
import { newId } from '../../base/ids.ts';
import { type Cache, MAX_TTL_MS } from './cache.ts';
import { RedisLayer } from './redis-layer.ts';
import { UntoldFloors } from './untold-floors.ts';

const own = useTestRedis();
const { clock, source } = useTestSource();

beforeEach(() => {
  source.change('ann');
});

const isText = (json: unknown): json is string => typeof json === 'string';

/** More changes than half of those that are remembered. */
const hearMany = (cache: Cache<string>, prefix: string) => {
  for (let index = 0; index < 60_000; index++) cache.hear(`${prefix}-${index}`, 1);
};

/** Asks for a value whose load sees it before a change, and is answered when the cache has heard of that. */
async function askAcross(cache: Cache<string>, hear: () => void): Promise<string | undefined> {
  const release = Promise.withResolvers<void>();
  source.beforeAnswer = () => release.promise;
  const asked = ask(cache);
  await until(() => source.loads === 1);
  source.change('ann');
  hear();
  release.resolve();
  return await asked;
}

test('what was loaded before a change is not served once it was heard of it, and of the one before it after that', async () => {
  const cache = openCache(source, clock);
  const hear = () => {
    for (const version of [3, 2]) cache.hear('ann', version);
  };
  expect(await askAcross(cache, hear)).toBe('ann/1 at 3');
});

test('what was loaded before a change is not served once it was heard of it, and of more than are remembered', async () => {
  const cache = openCache(source, clock);
  const hear = () => {
    cache.hear('ann', 3);
    for (const prefix of ['some', 'others']) hearMany(cache, prefix);
  };
  expect(await askAcross(cache, hear)).toBe('ann/1 at 3');
});

test('what was loaded before a change that was heard of is not stored in Redis, also where that was not told of it', async () => {
  const run = vi.spyOn(own.redis, 'run');
  onTestFinished(() => run.mockRestore());
  const cache = openCache(source, clock, { redis: own.redis });
  await askAcross(cache, () => cache.hear('ann', 3));
  expect(JSON.stringify(run.mock.calls)).not.toContain('at 2');
});

test('changes that are older than any value that may serve are not remembered', async () => {
  const name = newId();
  const [cache, other] = [1, 2].map(() => openCache(source, clock, { redis: own.redis, name })) as [
    Cache<string>,
    Cache<string>,
  ];
  hearMany(cache, 'some');
  clock.advance(MAX_TTL_MS);
  await ask(other);
  hearMany(cache, 'others');
  expect(await ask(cache)).toBe('ann/1 at 2');
  // What the other one read is believed.
  expect(source.loads).toBe(1);
});

test('what was found to be gone serves nobody by grace', async () => {
  const cache = openCache(source, clock);
  await ask(cache);
  source.versions.delete('ann');
  clock.advance(TTL_MS);
  expect(await ask(cache)).toBeUndefined();
  source.isAway = true;
  clock.advance(31_000);
  await expect(ask(cache)).rejects.toMatchObject(unavailable);
});

test('a floor in Redis is never lowered, and a lease given back only by who has it', async () => {
  const layer = new RedisLayer({ redis: own.redis, name: newId(), isValue: isText });
  for (const version of [3, 2]) await layer.raiseFloor('ann', version, 60_000);
  expect(await layer.readFloor('ann')).toBe(3);
  await layer.claim('ann/1');
  await layer.release('ann/1', newId());
  expect(await layer.claim('ann/1')).toEqual({ lease: undefined, isTaken: true });
});

test('a change that comes while Redis is told of the one before it is told, too', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const told: { version: number; answer: (isTold: boolean) => void }[] = [];
  const raiseFloor = (_tag: string, version: number) =>
    new Promise<boolean>((answer) => {
      told.push({ version, answer });
    });
  const floors = new UntoldFloors({ raiseFloor }, 60_000);
  const fail = async (version: number): Promise<void> => {
    const telling = floors.tell('ann', version);
    told.at(-1)?.answer(false);
    await telling;
  };
  await fail(2);
  await vi.advanceTimersByTimeAsync(1_000);
  await fail(3);
  told[1]?.answer(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.map(({ version }) => version)).toEqual([2, 2, 3, 3]);
});

test('what is stored under a tag goes from Redis when its floor is raised, and nothing else does', async () => {
  const layer = new RedisLayer({ redis: own.redis, name: newId(), isValue: isText });
  const keys = ['ann/1', 'ann/2', 'bob/1'];
  for (const key of keys) {
    const loaded = { value: key, tag: key.slice(0, 3), version: 1, loadedAtMs: 0 };
    await layer.store(key, { loaded, text: JSON.stringify(key), ttlMs: TTL_MS, lease: undefined });
  }
  await layer.raiseFloor('ann', 2, TTL_MS);
  const found = await Promise.all(keys.map((key) => layer.find(key)));
  expect(found.map((each) => each?.value)).toEqual([undefined, undefined, 'bob/1']);
});
