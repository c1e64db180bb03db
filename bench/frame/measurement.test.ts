import { expect, test } from 'vitest';
import { judge, median } from './measurement.ts';

const atLeast = { of: 'ratio', sense: 'at least', limit: 1.5 } as const;

test('the median ignores the extremes, whatever the order', () => {
  expect(median([5, 100, 1, 4, 3])).toBe(4);
  expect(median([4, 1])).toBe(2.5);
});

test('a ratio is of the medians and is kept exactly at its bound', () => {
  const measured = { name: 'x', unit: 'requests/s', ours: [300, 310, 9], baseline: [200, 1, 900], bound: atLeast };
  expect(judge(measured)).toMatchObject({ ours: 300, baseline: 200, ratio: 1.5, isKept: true });
  expect(judge({ ...measured, ours: [299] }).isKept).toBe(false);
});

test('an excess is ours less the baseline', () => {
  const bound = { of: 'excess', sense: 'at most', limit: 1.5 } as const;
  const measured = { name: 'x', unit: 's', ours: [2], baseline: [0.5], bound };
  expect(judge(measured).isKept).toBe(true);
  expect(judge({ ...measured, ours: [2.1] }).isKept).toBe(false);
});

test('what could not be measured keeps no promise', () => {
  const bound = { of: 'value', sense: 'at most', limit: 10 } as const;
  expect(judge({ name: 'x', unit: 'ms', ours: [Number.NaN], bound }).isKept).toBe(false);
  expect(judge({ name: 'x', unit: 'ms', ours: [], bound }).isKept).toBe(false);
  expect(judge({ name: 'x', unit: 'ms', ours: [1], bound: atLeast }).isKept).toBe(false);
  expect(judge({ name: 'x', unit: 'ms', ours: [1], baseline: [0], bound: atLeast }).isKept).toBe(false);
});
