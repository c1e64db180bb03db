import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../log/index.ts';
import { type PoolStatus, poolHealth, watchPool } from './pool-status.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const at = (utilisation: number): PoolStatus => ({
  total: 30,
  active: 30 * utilisation,
  idle: 0,
  waiting: 0,
  size: 10,
  overflow: 20,
  utilisation,
  status: poolHealth(utilisation),
});

test('a pool is healthy under 50, normal under 80, warned of under 95 and critical from 95 percent on', () => {
  const names = [0, 0.49, 0.5, 0.79, 0.8, 0.94, 0.95, 1].map(poolHealth);
  expect(names).toEqual(['HEALTHY', 'HEALTHY', 'NORMAL', 'NORMAL', 'WARNING', 'WARNING', 'CRITICAL', 'CRITICAL']);
});

test('the log says when the health of the pool changes, and only then', () => {
  const lines: { level: number; pool: PoolStatus; was: string }[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  let status = at(0.1);
  const stop = watchPool(() => status, log);
  vi.advanceTimersByTime(3_000);
  expect(lines).toHaveLength(0);
  status = at(1);
  vi.advanceTimersByTime(3_000);
  status = at(0.1);
  vi.advanceTimersByTime(3_000);
  stop();
  status = at(1);
  vi.advanceTimersByTime(3_000);
  expect(lines.map((line) => [line.was, line.pool.status])).toEqual([
    ['HEALTHY', 'CRITICAL'],
    ['CRITICAL', 'HEALTHY'],
  ]);
});
