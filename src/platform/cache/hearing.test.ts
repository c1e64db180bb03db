import { describe, expect, test } from 'vitest';
import {
  ask,
  openCache,
  openDeafCache,
  TTL_MS,
  unavailable,
  useTestSource,
} from '../../../test/harness/cache-fixture.ts';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { until } from '../../../test/harness/until.ts';
import type { Cache } from './index.ts';

const own = useTestRedis();
const { clock, source } = useTestSource();

describe.each(['in memory', 'in memory and Redis'])('a cache %s that hears of no changes', (kind) => {
  const redisOf = () => (kind === 'in memory' ? undefined : own.redis);
  const open = () => openCache(source, clock, { redis: redisOf() });

  test('checks every use by a load, and everything once more when it hears again', async () => {
    const cache = open();
    await ask(cache);
    cache.lose();
    source.change('ann');
    expect(await ask(cache)).toBe('ann/1 at 2');
    await ask(cache);
    expect(source.loads).toBe(3);
    clock.advance(1);
    cache.restore(source.nowMs());
    await ask(cache);
    await ask(cache);
    expect(source.loads).toBe(4);
  });

  test('does not serve a load begun while it heard to those who ask after that', async () => {
    const cache = open();
    const release = Promise.withResolvers<void>();
    source.beforeAnswer = () => release.promise;
    const early = ask(cache);
    await until(() => source.loads === 1);
    cache.lose();
    source.change('ann');
    const late = ask(cache);
    release.resolve();
    expect(await late).toBe('ann/1 at 2');
    await early;
  });

  test('does not serve a load begun before it hears again to those who ask after that', async () => {
    const cache = open();
    cache.lose();
    const release = Promise.withResolvers<void>();
    source.beforeAnswer = () => release.promise;
    const early = ask(cache);
    await until(() => source.loads === 1);
    source.change('ann');
    clock.advance(1);
    cache.restore(source.nowMs());
    const late = ask(cache);
    release.resolve();
    expect(await late).toBe('ann/1 at 2');
    await early;
  });

  test('serves by grace when the source is away as well, though it has answered what was asked while it heard', async () => {
    const cache = open();
    await ask(cache);
    const release = Promise.withResolvers<void>();
    source.beforeAnswer = () => release.promise;
    const other = ask(cache, 'nobody/1');
    await until(() => source.loads === 2);
    cache.lose();
    source.isAway = true;
    release.resolve();
    await expect(other).rejects.toMatchObject(unavailable);
    expect(await ask(cache)).toBe('ann/1 at 1');
  });

  test.each([
    ['and hears again', (cache: Cache<string>) => cache.restore(source.nowMs())],
    ['while others are read', (cache: Cache<string>) => ask(cache, 'bob/1')],
    ['while a key is found unknown', (cache: Cache<string>) => ask(cache, 'nobody/1')],
  ])('serves nothing by grace that may have changed unheard: %s', async (_when, happen) => {
    const cache = open();
    source.change('bob');
    await ask(cache);
    cache.lose();
    source.change('ann');
    clock.advance(1);
    await happen(cache);
    source.isAway = true;
    await expect(ask(cache)).rejects.toMatchObject(unavailable);
  });

  test('serves by grace what it reads once it hears again', async () => {
    const cache = open();
    cache.lose();
    await ask(cache);
    clock.advance(1);
    cache.restore(source.nowMs());
    await ask(cache);
    source.isAway = true;
    clock.advance(TTL_MS);
    expect(await ask(cache)).toBe('ann/1 at 1');
  });

  test.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('serves by grace what it read after the clock of the source was set %s', async (_, setByMs) => {
    const cache = open();
    source.setByMs = setByMs;
    await ask(cache);
    source.isAway = true;
    clock.advance(TTL_MS);
    expect(await ask(cache)).toBe('ann/1 at 1');
  });

  test('says that anything may have changed when it hears no more, when it hears again, and when all is to be forgotten', () => {
    const cache = open();
    const told: unknown[] = [];
    cache.onChange((tag) => told.push(tag));
    cache.lose();
    cache.restore(source.nowMs());
    cache.clear(source.nowMs());
    cache.hear('ann', 2);
    expect(told).toEqual([undefined, undefined, undefined, 'ann']);
  });

  test('is how it begins', async () => {
    const cache = openDeafCache(source, clock, { redis: redisOf() });
    await ask(cache);
    await ask(cache);
    expect(source.loads).toBe(2);
  });
});
