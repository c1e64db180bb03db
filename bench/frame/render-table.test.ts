import { expect, test } from 'vitest';
import { judge } from './measurement.ts';
import { toCells } from './render-table.ts';

const roundTrips = (ours: number) =>
  toCells(
    judge({ name: 'p50', unit: 'round trips', ours: [ours], bound: { of: 'value', sense: 'at most', limit: 1.2 } }),
  );

test('what misses its bound by less than is shown elsewhere shows by how much', () => {
  expect(roundTrips(1.2035)).toEqual(['p50', '1.204', '–', 'round trips', '–', '≤ 1.2', 'SHORT']);
  expect(roundTrips(1.20004)[1]).toBe('1.20004');
  expect(roundTrips(1.1996)).toEqual(['p50', '1.2', '–', 'round trips', '–', '≤ 1.2', 'ok']);
  expect(roundTrips(1.25678)[1]).toBe('1.26');
});

test('a ratio that misses its bound too, and only the ratio', () => {
  const bound = { of: 'ratio', sense: 'at least', limit: 0.5 } as const;
  const cells = toCells(judge({ name: 'x', unit: 'requests/s', ours: [0.5 - 1e-4], baseline: [1], bound }));
  expect(cells.slice(1, 5)).toEqual(['0.5', '1', 'requests/s', '0.4999x']);
});
