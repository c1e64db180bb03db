import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PingRounds } from './ping-rounds.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('each is pinged once in a round, not all at the same moment, until it is taken away', () => {
  const rounds = new PingRounds();
  const pings: number[] = [];
  const removals: (() => void)[] = [];
  for (let index = 0; index < 60; index++) {
    vi.advanceTimersByTime(1_000);
    removals.push(rounds.add({ ping: () => pings.push(index) }));
  }
  pings.length = 0;
  vi.advanceTimersByTime(1_000);
  expect(pings).toHaveLength(2);
  vi.advanceTimersByTime(29_000);
  expect(pings.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index));
  for (const remove of removals) remove();
  pings.length = 0;
  vi.advanceTimersByTime(60_000);
  expect(pings).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('the first ping comes after a whole round, so that a second is never sooner than the client can answer', () => {
  const rounds = new PingRounds();
  const ping = vi.fn();
  rounds.add({ ping });
  vi.advanceTimersByTime(29_000);
  expect(ping).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(ping).toHaveBeenCalledOnce();
});
