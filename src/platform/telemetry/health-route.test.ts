import fastify from 'fastify';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Health, type HealthReport, registerHealthRoute } from './health-route.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function serve(report: HealthReport) {
  const server = fastify();
  registerHealthRoute(server, report);
  return async (): Promise<number> => (await server.inject('/health')).statusCode;
}

test('a report is made in less than a second, and given to all who ask within one', async () => {
  const budgets: number[] = [];
  const ask = serve(async ({ deadline }) => {
    budgets.push(deadline.remainingMs());
    return {} as Health;
  });
  await Promise.all([ask(), ask()]);
  vi.advanceTimersByTime(999);
  await ask();
  expect(budgets).toHaveLength(1);
  vi.advanceTimersByTime(1);
  await ask();
  expect(budgets).toHaveLength(2);
  expect(budgets[0]).toBeLessThan(1_000);
});

test('a report that failed is not kept', async () => {
  let asked = 0;
  const ask = serve(async () => {
    if (++asked === 1) throw new Error('once');
    return {} as Health;
  });
  expect(await ask()).toBe(500);
  await ask();
  expect(asked).toBe(2);
});
