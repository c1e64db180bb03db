import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { testContext } from '../../test/harness/test-context.ts';
import type { BreakerState } from '../platform/resilience/index.ts';
import { createDependencyCheck } from './check-dependencies.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** Looks at a database with this breaker that answers so, with ten seconds; goes on for one. */
async function look(state: BreakerState, answer: Promise<{ isReadOnly: boolean; roundTripMs: number }>) {
  const asked: AbortSignal[] = [];
  const check = createDependencyCheck({
    postgres: {
      ping({ deadline }) {
        asked.push(deadline.signal);
        return answer;
      },
    },
    database: { state: () => state },
    callers: { findTrouble: async () => [] },
    models: { listFailing: () => [] },
  });
  const context = testContext(10_000);
  const found = check(context);
  await new Promise(setImmediate);
  const timers = vi.getTimerCount();
  vi.advanceTimersByTime(1_000);
  return { found: await found, timers, wereCancelled: asked.map(({ aborted }) => aborted) };
}

const away = { status: 'unavailable', reasons: ['The database does not answer.'], latencyMs: undefined };

test('a database that says nothing is away after a second, and asked no longer', async () => {
  const { found, wereCancelled } = await look('closed', new Promise(() => {}));
  expect(found).toEqual(away);
  expect(wereCancelled).toEqual([true]);
});

test.each(['open', 'half-open'] as const)('a database whose breaker is %s is away, and not asked', async (state) => {
  const { found, wereCancelled } = await look(state, new Promise(() => {}));
  expect(found).toEqual(away);
  expect(wereCancelled).toEqual([]);
});

test('a look at a database that answers leaves no timer behind but that of who asked', async () => {
  const { found, timers } = await look('closed', Promise.resolve({ isReadOnly: false, roundTripMs: 1 }));
  expect(found).toEqual({ status: 'ready', reasons: [], latencyMs: 1 });
  expect(timers).toBe(1);
});
