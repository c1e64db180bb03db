import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { countLocked } from '../harness/count-locked.ts';
import { msUntil, startFaultServer } from './fault-server.ts';
import { createClient, numberedWrites, startLoad } from './load.ts';

/** The budget of a statement, the wait in line, and half a second for all else. */
const BOUND_MS = 3_000;

test('a table locked for 6 s is 503 in time, and hurts no other route', async () => {
  const hurt = await startFaultServer({ DATABASE_POOL_SIZE: '5', DATABASE_POOL_OVERFLOW: '0' });
  const send = createClient(hurt);
  const { body: session } = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
  const others = startLoad(send, 3, numberedWrites());
  let asked = 0;
  // Each asks for something else, or they would be answered as one.
  const history = startLoad(send, 30, () => ({
    path: `/v1/chat/sessions/${session.id}/messages?limit=${(asked++ % 1_000) + 1}`,
  }));
  await sleep(1_000);
  expect(history.answers.filter(({ status }) => status !== 200)).toEqual([]);

  const migration = await hurt.connect();
  await migration.query('begin; lock table chat_messages in access exclusive mode');
  const lockedAtMs = performance.now();
  let mostWaiting = 0;
  while (performance.now() < lockedAtMs + 6_000) {
    mostWaiting = Math.max(mostWaiting, await countLocked(hurt.admin));
    await sleep(50);
  }
  const isReady = (await send({ path: '/readyz' })).status;
  const releasedAtMs = performance.now();
  await migration.query('rollback');
  await msUntil(() => history.answers.some(({ status, sentAtMs }) => status === 200 && sentAtMs > releasedAtMs), 4_000);
  await Promise.all([others.stop(), history.stop()]);

  const locked = history.answers.filter(
    ({ sentAtMs, answeredAtMs }) => sentAtMs > lockedAtMs && answeredAtMs < releasedAtMs,
  );
  expect(new Set(locked.map(({ status }) => status))).toEqual(new Set([503]));
  const codes = new Set(locked.map(({ code }) => code));
  expect(codes).toContain('postgres.timeout');
  expect([...codes].filter((code) => code !== 'postgres.timeout' && code !== 'postgres.overloaded')).toEqual([]);
  expect(Math.max(...locked.map(({ sentAtMs, answeredAtMs }) => answeredAtMs - sentAtMs))).toBeLessThan(BOUND_MS);
  // They do not pile up at the database: one connection of the five is left for others.
  expect(mostWaiting).toBeGreaterThan(0);
  expect(mostWaiting).toBeLessThanOrEqual(4);
  expect(others.answers.filter(({ status }) => status !== 201)).toEqual([]);
  expect(others.answers.some(({ sentAtMs }) => sentAtMs > lockedAtMs + 5_000)).toBe(true);
  expect(isReady).toBe(200);
});
