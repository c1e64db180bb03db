import { describe, expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

function create() {
  const time = { nowMs: 0 };
  const budget = new RetryBudget({ now: () => new Date(time.nowMs), monotonicMs: () => time.nowMs });
  const count = (calls: number): number => {
    let retries = 0;
    for (let call = 0; call < calls; call++) {
      budget.noteCall();
      while (budget.tryTake()) retries++;
    }
    return retries;
  };
  return { budget, time, count };
}

describe('a budget of retries', () => {
  it('grants a fifth of a thousand calls, however often it is asked', () => {
    expect(create().count(1_000)).toBe(200);
  });

  it('grants ten on a quiet server', () => {
    const { count } = create();
    expect(count(1)).toBe(10);
    expect(count(49)).toBe(0);
    expect(count(5)).toBe(1);
  });

  it('forgets by half every ten seconds', () => {
    const { count, time } = create();
    expect(count(100)).toBe(20);
    time.nowMs += 10_000;
    // Of 100 calls and 20 retries, 50 and 10 are left; but ten are always granted within the time.
    expect(count(1)).toBe(0);
    time.nowMs += 10_000;
    expect(count(1)).toBe(5);
  });

  it.each([
    // Of the 100 calls before, 50 are left.
    ['forgets no call of now with those of before', [10_000], 30],
    // Half of the first hundred, with the second; half of these, with the third.
    ['forgets at each ten seconds, though it was asked between', [15_000, 20_000], 35],
  ])('%s', (_what, atMs, retries) => {
    const { budget, time } = create();
    for (const nowMs of [0, ...atMs]) {
      time.nowMs = nowMs;
      for (let call = 0; call < 100; call++) budget.noteCall();
    }
    let taken = 0;
    while (budget.tryTake()) taken++;
    expect(taken).toBe(retries);
  });
});
