import type { PoolClient } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { testContext } from '../../../test/harness/test-context.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { type Pipeline, Pipelines } from './pipelines.ts';

/** As long as a connection is waited for here, in milliseconds. */
const WAIT_MS = 50;

/** A pool of four connections, which are there at once. */
const pool = { capacity: 4, hasWaiting: false, isLost: () => false, isDue: () => false, release: () => {} };

/** Gives statements their connections, by how many statements share these. */
function open(): (sharedBy: number, name?: string) => Promise<Pipeline> {
  const line = Object.assign(pool, { acquire: async () => ({}) as PoolClient });
  const pipelines = new Pipelines(line as unknown as ConnectionPool);
  return (sharedBy, name = 'test.shared') =>
    pipelines.acquire({ name, text: '', values: [], sharedBy }, WAIT_MS, testContext(5_000));
}

test('statements that share a connection follow on the one that has the fewest', async () => {
  const ask = open();
  const pipelines = new Set<Pipeline>();
  for (let count = 0; count < 6; count++) pipelines.add(await ask(1));
  expect(Array.from(pipelines, ({ depth }) => depth)).toEqual([2, 2, 2]);
});

test('when others have become busy since, they follow on the latest of their connections, so that the oldest come free', async () => {
  const ask = open();
  const pipelines = [await ask(1), await ask(1), await ask(1)];
  await ask(3);
  await ask(3);
  expect(pipelines.map(({ depth }) => depth)).toEqual([1, 1, 3]);
});

test('one that only waits for its cancel is replaced while there is a connection to spare, else waited for, but not for ever', async () => {
  const ask = open();
  const cancelled = await ask(2);
  cancelled.isClosed = true;
  const replacement = await ask(2);
  expect(replacement).not.toBe(cancelled);
  replacement.isClosed = true;
  await ask(2, 'test.other');
  await expect(ask(2)).rejects.toMatchObject({ code: 'postgres.overloaded' });
});

test('they follow for a moment while others wait in line, and no longer', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
    pool.hasWaiting = false;
  });
  pool.hasWaiting = true;
  const ask = open();
  const pipelines = [await ask(1), await ask(1), await ask(1)];
  vi.advanceTimersByTime(150);
  expect(pipelines).toContain(await ask(1));
  vi.advanceTimersByTime(100);
  await expect(ask(1)).rejects.toMatchObject({ code: 'postgres.overloaded' });
  pool.hasWaiting = false;
  expect(pipelines).toContain(await ask(1));
});
