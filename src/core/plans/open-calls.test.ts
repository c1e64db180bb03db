import { expect, test } from 'vitest';
import { Deadline } from '../../base/deadline.ts';
import { systemClock as clock } from '../../base/time.ts';
import { Limiter } from '../../platform/limits/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { OpenCalls } from './open-calls.ts';
import { Plans } from './plans.ts';
import { TokenBudget } from './token-budget.ts';

test('a call that is closed twice makes room for one', () => {
  const calls = new OpenCalls();
  const close = calls.tryOpen('user', 2);
  calls.tryOpen('user', 2);
  expect(calls.tryOpen('user', 2)).toBeUndefined();
  close?.();
  close?.();
  expect([calls.of('user'), calls.of('other')]).toEqual([1, 0]);
});

test('a call that is refused for want of tokens is not under way', async () => {
  const log = createLogger({ level: 'silent' });
  const plan = { name: 'free', requests: [], requestsPerKey: [], tokensPerMonth: 1, modelCallsAtOnce: 1 };
  const database = { query: async () => [{ i: 1, tokens: 1, given: 0 }] as never };
  const limiter = new Limiter({ redis: undefined, clock });
  const plans = new Plans(new Map([['free', plan]]), log);
  const parts = { database, observers: {}, redis: undefined, limiter, plans, longestCallMs: 30_000, clock, log };
  const budget = new TokenBudget(parts);
  for (let tries = 0; tries < 2; tries++) {
    const tried = budget.reserve({ userId: 'user', plan: 'free' }, 1, Deadline.after(30_000));
    await expect(tried).rejects.toMatchObject({ code: 'limits.tokens_exceeded' });
  }
});
