import { expect, test } from 'vitest';
import { readSpan } from './span.ts';

test.each([
  [{}, '2026-11-01', '2026-11-30'],
  [{ period: 'yesterday' as const }, '2026-11-21', '2026-11-21'],
  [{ last_days: 1 }, '2026-11-22', '2026-11-22'],
  [{ last_days: 30 }, '2026-10-24', '2026-11-22'],
  [{ from: '2026-11-03' }, '2026-11-03', '9999-12-31'],
  [{ to: '2026-11-03' }, '0001-01-01', '2026-11-03'],
])('%j, seen from 2026-11-22, is from %s to %s', (said, from, to) => {
  expect(readSpan(said, '2026-11-22')).toEqual({ from, to });
});
