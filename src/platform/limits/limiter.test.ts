import { describe, expect, test } from 'vitest';
import { Limiter, type Verdict } from './limiter.ts';
import type { LimitRule } from './window.ts';

const MINUTE_MS = 60_000;
const minute = { name: 'minute', durationMs: MINUTE_MS };
const hour = { name: 'hour', durationMs: 60 * MINUTE_MS };
const fivePerMinute: readonly LimitRule[] = [{ window: minute, limit: 5 }];

/** A limiter without Redis, at noon, and the way to another time. */
function create(maxKeys?: number) {
  let nowMs = Date.parse('2026-11-22T12:00:00Z');
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  const limiter = new Limiter({ redis: undefined, clock, maxKeys });
  return {
    limiter,
    setClock: (time: string) => {
      nowMs = Date.parse(`2026-11-22T${time}Z`);
    },
    take(key: string, rules = fivePerMinute): Verdict {
      const verdict = limiter.consume([{ key, rules }]);
      if (verdict instanceof Promise) throw new Error('In memory a limiter answers at once.');
      return verdict;
    },
  };
}

type Taking = ReturnType<typeof create>['take'];

/** How many of so many tries are let through. */
function countAllowed(take: Taking, tries: number, rules = fivePerMinute): number {
  let allowed = 0;
  for (let index = 0; index < tries; index++) if (take('a', rules).isAllowed) allowed++;
  return allowed;
}

test('lets exactly the limit through, and says at once what is left and for how long', () => {
  const { take, setClock } = create();
  setClock('12:00:20');
  expect(take('a')).toMatchObject({ isAllowed: true, remaining: 4, resetMs: 40_000 });
  expect(countAllowed(take, 100)).toBe(4);
  expect(take('a')).toMatchObject({ isAllowed: false, remaining: 0, resetMs: 40_000 });
});

test('counts each key by itself', () => {
  const { take } = create();
  expect(countAllowed(take, 10)).toBe(5);
  expect(take('b')).toMatchObject({ isAllowed: true, remaining: 4 });
});

test('begins anew at the full minute, not a minute after the first', () => {
  const { take, setClock } = create();
  setClock('12:00:59.999');
  expect(countAllowed(take, 10)).toBe(5);
  setClock('12:01:00');
  expect(countAllowed(take, 10)).toBe(5);
});

describe('with several windows', () => {
  const rules: readonly LimitRule[] = [...fivePerMinute, { window: hour, limit: 8 }];

  test('takes from all, or from none, and tells of the one that has least left', () => {
    const { take, setClock } = create();
    expect(countAllowed(take, 10, rules)).toBe(5);
    setClock('12:01:00');
    expect(take('a', rules)).toMatchObject({ rule: { limit: 8 }, remaining: 2 });
    expect(countAllowed(take, 10, rules)).toBe(2);
    expect(take('a', rules)).toMatchObject({ isAllowed: false, rule: { limit: 8 }, resetMs: 59 * MINUTE_MS });
    setClock('13:00:00');
    expect(countAllowed(take, 10, rules)).toBe(5);
  });

  test('keeps what was counted when other rules apply from now on', () => {
    const { take } = create();
    expect(countAllowed(take, 10)).toBe(5);
    expect(take('a', [{ window: minute, limit: 7 }])).toMatchObject({ isAllowed: true, remaining: 1 });
    expect(take('a')).toMatchObject({ isAllowed: false });
  });

  test('keeps what was counted while other rules, or none, come between', async () => {
    const { limiter, take } = create();
    expect(countAllowed(take, 10)).toBe(5);
    await limiter.inspect({ key: 'a', rules: [] });
    expect(take('a', [{ window: hour, limit: 8 }])).toMatchObject({ isAllowed: true });
    expect(take('a')).toMatchObject({ isAllowed: false });
  });
});

describe('a clock that is set', () => {
  test('back gives nobody points anew, and makes nobody wait for longer than a window', () => {
    const { take, setClock } = create();
    setClock('12:30:10');
    expect(countAllowed(take, 3)).toBe(3);
    setClock('11:30:10');
    const verdict = take('a');
    expect(verdict).toMatchObject({ isAllowed: true, remaining: 1, resetMs: 50_000 });
    expect(countAllowed(take, 10)).toBe(1);
    setClock('11:31:00');
    expect(countAllowed(take, 10)).toBe(5);
  });

  test('forward begins the window that it is then', () => {
    const { take, setClock } = create();
    expect(countAllowed(take, 10)).toBe(5);
    setClock('13:00:30');
    expect(take('a')).toMatchObject({ isAllowed: true, remaining: 4, resetMs: 30_000 });
  });
});

test('forgets the key that was not seen for longest when there are too many', () => {
  const { take } = create(100);
  expect(countAllowed(take, 10)).toBe(5);
  for (let index = 0; index < 99; index++) take(`other-${index}`);
  expect(take('a').isAllowed).toBe(false);
  for (let index = 0; index < 100; index++) take(`another-${index}`);
  expect(take('a')).toMatchObject({ isAllowed: true, remaining: 4 });
});

describe('of several keys', () => {
  const perHour = { key: 'b', rules: [{ window: hour, limit: 8 }] };
  const perMinute = { key: 'a', rules: fivePerMinute };

  test('takes from all, or from none', async () => {
    const { limiter } = create();
    const verdicts = Array.from({ length: 10 }, () => limiter.consume([perHour, perMinute]) as Verdict);
    expect(verdicts.filter(({ isAllowed }) => isAllowed)).toHaveLength(5);
    expect(verdicts.map(({ remaining }) => remaining)).toEqual([4, 3, 2, 1, 0, 0, 0, 0, 0, 0]);
    expect(verdicts[0]).toMatchObject({ rules: fivePerMinute, rule: { limit: 5 } });
    expect(await limiter.inspect(perHour)).toMatchObject([{ remaining: 3 }]);
  });

  test('refuses until the last of those that are used up begins anew', () => {
    const { limiter, take, setClock } = create();
    for (let index = 0; index < 8; index++) take('b', perHour.rules);
    expect(countAllowed(take, 10)).toBe(5);
    expect(limiter.consume([perMinute, perHour])).toMatchObject({ isAllowed: false, resetMs: 60 * MINUTE_MS });
    setClock('13:00:00');
    expect(limiter.consume([perMinute, perHour])).toMatchObject({ isAllowed: true });
  });
});
