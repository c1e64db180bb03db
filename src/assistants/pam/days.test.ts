import { expect, test } from 'vitest';
import { coversMonth, lastOf, spanOf, todayIn } from './days.ts';

test('which day it is depends on where', () => {
  const now = new Date('2026-12-31T23:30:00Z');
  expect(todayIn('UTC', now)).toBe('2026-12-31');
  expect(todayIn('Europe/Stockholm', now)).toBe('2027-01-01');
  expect(todayIn('America/New_York', now)).toBe('2026-12-31');
});

test.each([
  ['sunday', '2026-11-22', '2026-11-22'],
  ['monday', '2026-11-22', '2026-11-16'],
  ['saturday', '2026-11-22', '2026-11-21'],
  ['saturday', '2027-01-01', '2026-12-26'],
  ['friday', '2027-01-01', '2027-01-01'],
] as const)('the last %s up to %s is %s', (weekday, day, expected) => {
  expect(lastOf(weekday, day)).toBe(expected);
});

test.each([
  ['today', '2026-11-22', '2026-11-22', '2026-11-22'],
  ['yesterday', '2026-03-01', '2026-02-28', '2026-02-28'],
  ['this_week', '2026-11-22', '2026-11-16', '2026-11-22'],
  ['this_week', '2026-11-23', '2026-11-23', '2026-11-29'],
  ['last_week', '2026-11-22', '2026-11-09', '2026-11-15'],
  ['this_month', '2028-02-10', '2028-02-01', '2028-02-29'],
  ['this_month', '2026-12-31', '2026-12-01', '2026-12-31'],
  ['last_month', '2026-01-31', '2025-12-01', '2025-12-31'],
  ['last_month', '2026-03-31', '2026-02-01', '2026-02-28'],
  ['this_year', '2026-06-01', '2026-01-01', '2026-12-31'],
  ['last_year', '2026-06-01', '2025-01-01', '2025-12-31'],
] as const)('%s, seen from %s, is from %s to %s', (...[period, today, from, to]) => {
  expect(spanOf(period, today)).toEqual({ from, to });
});

test.each([
  ['2026-11-01', '2026-11-30', '2026-12-24', true],
  ['2026-01-01', '2026-12-31', '2026-12-24', true],
  ['0001-01-01', '9999-12-31', '2026-12-24', true],
  ['2026-11-02', '2026-11-30', '2026-12-24', false],
  ['2026-11-01', '2026-11-29', '2026-12-24', false],
  ['2026-11-22', '2026-11-22', '2026-11-22', false],
  // This month, so far.
  ['2026-11-01', '2026-11-22', '2026-11-22', true],
  ['2026-11-01', '2026-11-21', '2026-11-22', false],
  ['2026-11-02', '2026-11-22', '2026-11-22', false],
  // A month that is still to come.
  ['2026-11-01', '2026-11-15', '2026-10-22', false],
  ['2026-11-01', '2026-11-30', '2026-10-22', true],
])('from %s to %s, on %s, all of November is covered: %s', (...[from, to, today, covered]) => {
  expect(coversMonth({ from, to }, '2026-11', today)).toBe(covered);
});
