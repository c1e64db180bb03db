import { expect, test } from 'vitest';
import { addDays } from './days.ts';

test.each([
  ['2026-03-01', -1, '2026-02-28'],
  ['2028-03-01', -1, '2028-02-29'],
  ['2026-01-01', -1, '2025-12-31'],
  ['2026-12-31', 1, '2027-01-01'],
])('from %s, %i days away is %s', (day, days, expected) => {
  expect(addDays(day, days)).toBe(expected);
});
