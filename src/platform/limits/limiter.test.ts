import { describe, expect, test } from 'vitest';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { newId } from '../../base/ids.ts';
import type { Redis } from '../redis/index.ts';
import { type Allowance, Limiter, type Verdict } from './limiter.ts';
import type { LimitRule } from './window.ts';

const MINUTE_MS = 60_000;
const minute = { name: 'minute', durationMs: MINUTE_MS };
const hour = { name: 'hour', durationMs: 60 * MINUTE_MS };
const fivePerMinute: readonly LimitRule[] = [{ window: minute, limit: 5 }];

const own = useTestRedis();

/** A limiter at noon, with keys of its own, and the way to another time. */
function create(redis: Redis | undefined, maxKeys?: number) {
  let nowMs = Date.parse('2026-11-22T12:00:00Z');
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  const limiter = new Limiter({ redis, clock, maxKeys });
  const prefix = newId();
  const nameOwn = ({ key, rules }: Allowance): Allowance => ({ key: `${prefix}:${key}`, rules });
  const consume = (...allowances: Allowance[]) => limiter.consume(allowances.map(nameOwn));
  const take = async (key: string, rules = fivePerMinute): Promise<Verdict> => await consume({ key, rules });
  return {
    consume,
    take,
    inspect: (allowance: Allowance) => limiter.inspect(nameOwn(allowance)),
    setClock: (time: string) => {
      nowMs = Date.parse(`2026-11-22T${time}Z`);
    },
    /** How many of so many tries are let through. */
    async countAllowed(tries: number, rules = fivePerMinute): Promise<number> {
      let allowed = 0;
      for (let index = 0; index < tries; index++) if ((await take('a', rules)).isAllowed) allowed++;
      return allowed;
    },
  };
}

describe.each(['in memory', 'in memory and Redis'])('a limiter %s', (kind) => {
  const redisOf = () => (kind === 'in memory' ? undefined : own.redis);

  test('lets exactly the limit through, and says what is left and for how long', async () => {
    const { countAllowed, setClock, take } = create(redisOf());
    setClock('12:00:20');
    expect(await take('a')).toMatchObject({ isAllowed: true, remaining: 4, resetMs: 40_000 });
    expect(await countAllowed(100)).toBe(4);
    expect(await take('a')).toMatchObject({ isAllowed: false, remaining: 0, resetMs: 40_000 });
  });

  test('counts each key by itself', async () => {
    const { countAllowed, take } = create(redisOf());
    expect(await countAllowed(10)).toBe(5);
    expect(await take('b')).toMatchObject({ isAllowed: true, remaining: 4 });
  });

  test('begins anew at the full minute, not a minute after the first', async () => {
    const { countAllowed, setClock } = create(redisOf());
    setClock('12:00:59.999');
    expect(await countAllowed(10)).toBe(5);
    setClock('12:01:00');
    expect(await countAllowed(10)).toBe(5);
  });

  describe('with several windows', () => {
    const rules: readonly LimitRule[] = [...fivePerMinute, { window: hour, limit: 8 }];

    test('takes from all, or from none, and tells of the one that has least left', async () => {
      const { countAllowed, setClock, take } = create(redisOf());
      expect(await countAllowed(10, rules)).toBe(5);
      setClock('12:01:00');
      expect(await take('a', rules)).toMatchObject({ rule: { limit: 8 }, remaining: 2 });
      expect(await countAllowed(10, rules)).toBe(2);
      expect(await take('a', rules)).toMatchObject({ isAllowed: false, rule: { limit: 8 }, resetMs: 59 * MINUTE_MS });
      setClock('13:00:00');
      expect(await countAllowed(10, rules)).toBe(5);
    });

    test('keeps what was counted when other rules apply from now on', async () => {
      const { countAllowed, take } = create(redisOf());
      expect(await countAllowed(10)).toBe(5);
      expect(await take('a', [{ window: minute, limit: 7 }])).toMatchObject({ isAllowed: true, remaining: 1 });
      expect(await take('a')).toMatchObject({ isAllowed: false });
    });

    test('keeps what was counted while other rules, or none, come between', async () => {
      const { countAllowed, inspect, take } = create(redisOf());
      expect(await countAllowed(10)).toBe(5);
      await inspect({ key: 'a', rules: [] });
      expect(await take('a', [{ window: hour, limit: 8 }])).toMatchObject({ isAllowed: true });
      expect(await take('a')).toMatchObject({ isAllowed: false });
    });
  });

  describe('a clock that is set', () => {
    test('back gives nobody points anew, and makes nobody wait for longer than a window', async () => {
      const { countAllowed, setClock, take } = create(redisOf());
      setClock('12:30:10');
      expect(await countAllowed(3)).toBe(3);
      setClock('11:30:10');
      const verdict = await take('a');
      expect(verdict).toMatchObject({ isAllowed: true, remaining: 1, resetMs: 50_000 });
      expect(await countAllowed(10)).toBe(1);
      setClock('11:31:00');
      expect(await countAllowed(10)).toBe(5);
    });

    test('forward begins the window that it is then', async () => {
      const { countAllowed, setClock, take } = create(redisOf());
      expect(await countAllowed(10)).toBe(5);
      setClock('13:00:30');
      expect(await take('a')).toMatchObject({ isAllowed: true, remaining: 4, resetMs: 30_000 });
    });
  });

  describe('of several keys', () => {
    const perHour = { key: 'b', rules: [{ window: hour, limit: 8 }] };
    const perMinute = { key: 'a', rules: fivePerMinute };

    test('takes from all, or from none', async () => {
      const { consume, inspect } = create(redisOf());
      const verdicts: Verdict[] = [];
      for (let index = 0; index < 10; index++) verdicts.push(await consume(perHour, perMinute));
      expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(5);
      expect(verdicts.map(({ remaining }) => remaining)).toEqual([4, 3, 2, 1, 0, 0, 0, 0, 0, 0]);
      expect(verdicts[0]).toMatchObject({ rules: fivePerMinute, rule: { limit: 5 } });
      expect(await inspect(perHour)).toMatchObject([{ remaining: 3 }]);
    });

    test('refuses until the last of those that are used up begins anew', async () => {
      const { consume, countAllowed, setClock, take } = create(redisOf());
      for (let index = 0; index < 8; index++) await take('b', perHour.rules);
      expect(await countAllowed(10)).toBe(5);
      expect(await consume(perMinute, perHour)).toMatchObject({ isAllowed: false, resetMs: 60 * MINUTE_MS });
      setClock('13:00:00');
      expect(await consume(perMinute, perHour)).toMatchObject({ isAllowed: true });
    });
  });
});

test('without Redis answers at once', () => {
  const { consume } = create(undefined);
  expect(consume({ key: 'a', rules: fivePerMinute })).not.toBeInstanceOf(Promise);
});

test('without Redis forgets the key that was not seen for longest when there are too many', async () => {
  const { countAllowed, take } = create(undefined, 100);
  expect(await countAllowed(10)).toBe(5);
  for (let index = 0; index < 99; index++) await take(`other-${index}`);
  expect((await take('a')).isAllowed).toBe(false);
  for (let index = 0; index < 100; index++) await take(`another-${index}`);
  expect(await take('a')).toMatchObject({ isAllowed: true, remaining: 4 });
});
