import { expect, test } from 'vitest';
import { AppError } from '../../base/errors.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import { Limiter } from '../../platform/limits/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { Caller } from '../accounts/index.ts';
import { createRequestLimits } from './limit-requests.ts';
import { Plans } from './plans.ts';
import type { Plan } from './read-plans.ts';

const minute = { name: 'minute', durationMs: 60_000 };
const hour = { name: 'hour', durationMs: 3_600_000 };
const plan = {
  name: 'free',
  requests: [{ window: minute, limit: 2 }],
  requestsPerKey: [{ window: minute, limit: 5 }],
  tokensPerMonth: undefined,
  modelCallsAtOnce: undefined,
};

/** The limits of a server whose plan is this one. */
function open(own: Plan, now: Clock['now'] = systemClock.now) {
  const limiter = new Limiter({ redis: undefined, clock: { ...systemClock, now } });
  const plans = new Plans(new Map([['free', own]]), createLogger({ level: 'silent' }));
  return { limiter, limits: createRequestLimits({ limiter, plans }) };
}

test('a request that the limit of the user refuses counts for its key neither', async () => {
  const { limiter, limits } = open(plan, () => new Date('2026-11-22T12:00:00Z'));
  const caller = { userId: 'user', keyId: 'key', plan: 'free' } as Caller;
  const tries = Array.from({ length: 10 }, async () => limits.count(caller));
  const refused = (await Promise.allSettled(tries)).filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(8);
  expect(await limiter.inspect({ key: 'key:key', rules: plan.requestsPerKey })).toMatchObject([{ remaining: 3 }]);
});

test('who comes again exactly when told to is let through, also where the limits of user and key are both used up', async () => {
  let nowMs = Date.parse('2026-11-22T12:00:20Z');
  const both = { ...plan, requests: [{ window: hour, limit: 2 }], requestsPerKey: [{ window: minute, limit: 2 }] };
  const { limits } = open(both, () => new Date(nowMs));
  const caller = { userId: 'user', keyId: 'key', plan: 'free' } as Caller;
  const ask = async () => limits.count(caller);
  for (let index = 0; index < 2; index++) await ask();
  const refusal = await ask().catch((error: unknown) => error);
  nowMs += (refusal as AppError).retryAfterMs ?? 0;
  expect(refusal).toBeInstanceOf(AppError);
  await ask();
});

test('requests without a key count by user: those of another one are left alone', async () => {
  const { limits } = open({ ...plan, requestsPerKey: [{ window: hour, limit: 1 }] });
  const ask = async (userId: string) => limits.count({ userId, keyId: null, plan: 'free' } as Caller);
  await ask('one');
  await ask('two');
  await expect(ask('one')).rejects.toThrow('You have made all 1 requests that your plan allows per hour.');
});
