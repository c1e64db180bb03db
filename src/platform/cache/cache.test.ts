import { describe, expect, test } from 'vitest';
import { ask, GRACE_MS, openCache, TTL_MS, unavailable, useTestSource } from '../../../test/harness/cache-fixture.ts';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import { AppError } from '../../base/errors.ts';
import { MAX_TTL_MS } from './cache.ts';
import type { Load } from './entry.ts';

const own = useTestRedis();
const { clock, source } = useTestSource();

describe.each(['in memory', 'in memory and Redis'])('a cache %s', (kind) => {
  const open = (changes: Parameters<typeof openCache>[2] = {}) =>
    openCache(source, clock, { redis: kind === 'in memory' ? undefined : own.redis, ...changes });

  test('loads a value once, and serves it until its time is up', async () => {
    const cache = open();
    expect(await ask(cache)).toBe('ann/1 at 1');
    clock.advance(TTL_MS - 1);
    expect(await ask(cache)).toBe('ann/1 at 1');
    expect(source.loads).toBe(1);
    clock.advance(1);
    await ask(cache);
    expect(source.loads).toBe(2);
  });

  test('loads a hot key once for all who ask at once, also when it lapses', async () => {
    const cache = open();
    for (const round of [1, 2]) {
      const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask(cache)));
      expect(new Set(answers)).toEqual(new Set(['ann/1 at 1']));
      expect(source.loads).toBe(round);
      clock.advance(TTL_MS);
    }
  });

  test('takes another time to live at once, also for what it holds', async () => {
    const cache = open();
    await ask(cache);
    clock.advance(10_000);
    cache.setTtl(5_000);
    await ask(cache);
    expect(source.loads).toBe(2);
    expect(cache.statistics().ttlMs).toBe(5_000);
    // Changes are remembered for no longer.
    cache.setTtl(MAX_TTL_MS + 1);
    expect(cache.statistics().ttlMs).toBe(MAX_TTL_MS);
  });

  test('counts the time of a value from when its load began', async () => {
    const cache = open();
    source.beforeAnswer = async () => void clock.advance(1_000);
    await ask(cache);
    clock.advance(TTL_MS - 1_000);
    await ask(cache);
    expect(source.loads).toBe(2);
  });

  test('remembers briefly that a key is unknown', async () => {
    const cache = open();
    expect(await ask(cache, 'nobody/1')).toBeUndefined();
    clock.advance(29_999);
    expect(await ask(cache, 'nobody/1')).toBeUndefined();
    expect(source.loads).toBe(1);
    clock.advance(1);
    await ask(cache, 'nobody/1');
    expect(source.loads).toBe(2);
  });

  test('does not remember that a key is unknown when everything was to be forgotten since that was read', async () => {
    const cache = open();
    const release = Promise.withResolvers<void>();
    source.beforeAnswer = () => release.promise;
    const early = ask(cache, 'bob/1');
    await until(() => source.loads === 1);
    source.change('bob');
    clock.advance(1);
    cache.clear(source.nowMs());
    release.resolve();
    expect(await early).toBe('bob/1 at 1');
    expect(await ask(cache, 'bob/1')).toBe('bob/1 at 1');
  });

  test('reads anew what was invalidated, and nothing else', async () => {
    const cache = open();
    source.change('bob');
    await ask(cache, 'bob/1');
    const { sizeBytes } = cache.statistics();
    for (const key of ['ann/1', 'ann/2']) await ask(cache, key);
    cache.invalidate('ann', source.change('ann'));
    expect(cache.statistics()).toMatchObject({ tags: 1, sizeBytes, evictions: 0 });
    expect(await ask(cache, 'ann/1')).toBe('ann/1 at 2');
    expect(await ask(cache, 'ann/2')).toBe('ann/2 at 2');
    expect(await ask(cache, 'bob/1')).toBe('bob/1 at 1');
    expect(source.loads).toBe(5);
  });

  test('keeps what was read since a change of its own, when it hears of that change', async () => {
    const cache = open();
    await ask(cache);
    const version = source.change('ann');
    cache.invalidate('ann', version);
    await ask(cache);
    cache.hear('ann', version);
    expect(await ask(cache)).toBe('ann/1 at 2');
    expect(source.loads).toBe(2);
    cache.hear('ann', source.change('ann'));
    expect(await ask(cache)).toBe('ann/1 at 3');
  });

  test('believes a source that has lost its last changes, as one does that fails over', async () => {
    const cache = open();
    await ask(cache);
    cache.invalidate('ann', source.change('ann'));
    cache.hear('ann', 3);
    source.versions.set('ann', 1);
    clock.advance(1);
    for (let round = 0; round < 2; round++) expect(await ask(cache)).toBe('ann/1 at 1');
    expect(source.loads).toBe(2);
    cache.invalidate('ann', source.change('ann'));
    expect(await ask(cache)).toBe('ann/1 at 2');
  });

  describe('while the source is away', () => {
    test('serves what it knows until its grace is over, then 503', async () => {
      const cache = open();
      await ask(cache);
      source.isAway = true;
      clock.advance(TTL_MS);
      expect(await ask(cache)).toBe('ann/1 at 1');
      clock.advance(GRACE_MS - TTL_MS - 1);
      expect(await ask(cache)).toBe('ann/1 at 1');
      clock.advance(1);
      await expect(ask(cache)).rejects.toMatchObject(unavailable);
    });

    test('does not ask it for each caller, and asks again a second later', async () => {
      const cache = open();
      await ask(cache);
      source.isAway = true;
      clock.advance(TTL_MS);
      for (let index = 0; index < 20; index++) await ask(cache);
      expect(source.loads).toBe(2);
      source.isAway = false;
      source.change('ann');
      clock.advance(1_000);
      expect(await ask(cache)).toBe('ann/1 at 2');
    });

    test('asks again at once when another caller has found it back', async () => {
      const cache = open();
      await ask(cache);
      source.isAway = true;
      clock.advance(TTL_MS);
      await ask(cache);
      source.isAway = false;
      source.change('ann');
      await ask(cache, 'ann/2');
      expect(await ask(cache)).toBe('ann/1 at 2');
    });

    test('never serves what was invalidated or cleared', async () => {
      const cache = open();
      source.change('bob');
      await ask(cache, 'ann/1');
      source.isAway = true;
      cache.invalidate('ann', source.change('ann'));
      await expect(ask(cache)).rejects.toMatchObject(unavailable);
      source.isAway = false;
      await ask(cache, 'bob/1');
      source.isAway = true;
      clock.advance(1);
      cache.clear(source.nowMs());
      await expect(ask(cache, 'bob/1')).rejects.toMatchObject(unavailable);
    });

    test('answers 503 for what it does not know, and remembers nothing of it', async () => {
      const cache = open();
      source.isAway = true;
      await expect(ask(cache)).rejects.toMatchObject(unavailable);
      await expect(ask(cache, 'nobody/1')).rejects.toMatchObject(unavailable);
      source.isAway = false;
      expect(await ask(cache)).toBe('ann/1 at 1');
    });

    test('serves by grace soon when the source is not gone but frozen', async () => {
      const cache = open();
      await ask(cache);
      clock.advance(TTL_MS);
      source.beforeSnapshot = () => new Promise(() => {});
      expect(await ask(cache)).toBe('ann/1 at 1');
      expect(await ask(cache)).toBe('ann/1 at 1');
    });

    test('serves by grace when the time of a load is up, and what it does not know is 503 then', async () => {
      const cache = open({ loadBudgetMs: 20 });
      await ask(cache);
      clock.advance(TTL_MS);
      const load: Load<string> = (_key, { deadline }) => {
        clock.advance(20);
        return deadline.race(new Promise(() => {}));
      };
      await expect(cache.get('bob/1', testContext(), load)).rejects.toMatchObject({ code: 'postgres.timeout' });
      expect(await cache.get('ann/1', testContext(), load)).toBe('ann/1 at 1');
    });

    test('tells a caller with little time that it is up, and does not rest for it', async () => {
      const cache = open();
      await ask(cache);
      clock.advance(TTL_MS);
      source.beforeSnapshot = () => new Promise(() => {});
      let elapsedMs = 0;
      const deadline = Deadline.after(30, { now: () => new Date(), monotonicMs: () => elapsedMs++ });
      await expect(cache.get('ann/1', { ...testContext(), deadline })).rejects.toBeInstanceOf(DeadlineExceeded);
      expect(deadline.reason).toBeInstanceOf(DeadlineExceeded);
    });

    test('hands on an error that is not one of being away, without grace', async () => {
      const cache = open();
      await ask(cache);
      clock.advance(TTL_MS);
      for (const fault of [new TypeError('ours'), new AppError('test.fault', { status: 500, message: 'ours' })]) {
        source.beforeSnapshot = () => Promise.reject(fault);
        await expect(ask(cache)).rejects.toBe(fault);
      }
    });
  });

  test('tells a caller whose time is up at once, while the others get their answer', async () => {
    const cache = open();
    const release = Promise.withResolvers<void>();
    source.beforeAnswer = () => release.promise;
    const hasty = cache.get('ann/1', testContext(30));
    const patient = ask(cache);
    await expect(hasty).rejects.toBeInstanceOf(DeadlineExceeded);
    release.resolve();
    expect(await patient).toBe('ann/1 at 1');
    expect(source.loads).toBe(1);
  });

  test('forgets everything that was read before an instant', async () => {
    const cache = open();
    for (const key of ['ann/1', 'nobody/1']) await ask(cache, key);
    clock.advance(1);
    cache.clear(source.nowMs());
    expect(cache.statistics()).toMatchObject({ tags: 0, sizeBytes: 0 });
    for (const key of ['ann/1', 'ann/1', 'nobody/1', 'nobody/1']) await ask(cache, key);
    expect(source.loads).toBe(4);
  });

  test('counts what it holds and what it did', async () => {
    const cache = open({ maxEntries: 2 });
    source.change('bob');
    for (const key of ['ann/1', 'ann/2', 'bob/1', 'bob/1', 'bob/1', 'bob/1']) await ask(cache, key);
    const statistics = cache.statistics();
    expect(statistics).toMatchObject({ tags: 2, hits: 3, misses: 3, hitRate: 0.5, evictions: 1, ttlMs: TTL_MS });
    expect(statistics.sizeBytes).toBeGreaterThan(2 * 300);
    cache.clear(0);
    expect(cache.statistics()).toMatchObject({ tags: 0, sizeBytes: 0 });
  });

  test('holds no more bytes than it may, whatever its values are, and none that is larger than all', async () => {
    const cache = open({ maxBytes: 1_500 });
    for (let index = 0; index < 9; index++) {
      source.change(`user-${index}`);
      await ask(cache, `user-${index}/${'x'.repeat(index === 8 ? 1_000 : 100)}`);
      expect(cache.statistics().sizeBytes).toBeLessThanOrEqual(1_500);
    }
    // Two of 521 bytes fit in; the last one, of 2,321, does not.
    expect(cache.statistics()).toMatchObject({ tags: 2, evictions: 6 });
  });

  test('loads at every use when it is switched off', async () => {
    const cache = open({ isEnabled: false });
    await ask(cache);
    await ask(cache);
    expect(source.loads).toBe(2);
    expect(cache.statistics().tags).toBe(0);
  });

  test('adds the steps of a load to the timings of those who waited for it', async () => {
    const cache = open();
    const contexts = [testContext(), testContext()];
    await Promise.all(contexts.map((context) => cache.get('ann/1', context)));
    expect(contexts.map(({ timings }) => timings.toHeader())).toEqual(['sql;dur=1', 'sql;dur=1']);
  });
});
