import { beforeEach, describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { BreakerState } from './guard-database.ts';

let nowMs: number;
let states: BreakerState[];

function create(maxOpenMs = 1_000): CircuitBreaker {
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
  return new CircuitBreaker({ clock, maxOpenMs, observe: (state) => states.push(state) });
}

/** A breaker that five failures have opened. */
function createOpen(maxOpenMs?: number): CircuitBreaker {
  const breaker = create(maxOpenMs);
  for (let failure = 0; failure < 5; failure++) breaker.tryEnter()?.failed();
  return breaker;
}

beforeEach(() => {
  nowMs = 1_000_000;
  states = [];
});

describe('a breaker', () => {
  it('opens at the fifth failure in a row, and refuses then', () => {
    const breaker = create();
    for (let failure = 0; failure < 4; failure++) breaker.tryEnter()?.failed();
    breaker.tryEnter()?.succeeded();
    for (let failure = 0; failure < 4; failure++) breaker.tryEnter()?.failed();
    breaker.tryEnter()?.dropped();
    expect(breaker.state).toBe('closed');
    breaker.tryEnter()?.failed();
    expect(breaker.state).toBe('open');
    expect(breaker.wouldLetThrough).toBe(false);
    expect(breaker.tryEnter()).toBeUndefined();
  });

  it('lets one through after a second, and closes when that one succeeds', () => {
    const breaker = createOpen();
    nowMs += 999;
    expect(breaker.tryEnter()).toBeUndefined();
    nowMs += 1;
    const trial = breaker.tryEnter();
    expect(breaker.tryEnter()).toBeUndefined();
    trial?.succeeded();
    expect(states).toEqual(['open', 'half-open', 'closed']);
    expect(breaker.tryEnter()).toBeDefined();
  });

  it('opens again when that one fails, twice as long each time up to its bound', () => {
    const breaker = createOpen(4_000);
    for (const openMs of [1_000, 2_000, 4_000, 4_000]) {
      nowMs += openMs - 1;
      expect(breaker.tryEnter()).toBeUndefined();
      nowMs += 1;
      const trial = breaker.tryEnter();
      expect(breaker.state).toBe('half-open');
      trial?.failed();
      expect(breaker.state).toBe('open');
    }
    nowMs += 4_000;
    breaker.tryEnter()?.succeeded();
    for (let failure = 0; failure < 5; failure++) breaker.tryEnter()?.failed();
    nowMs += 1_000;
    expect(breaker.wouldLetThrough).toBe(true);
  });

  it('lets another one through when the first hangs for a second, and the second closes it', () => {
    const breaker = createOpen();
    nowMs += 1_000;
    const hanging = breaker.tryEnter();
    nowMs += 1_000;
    breaker.tryEnter()?.succeeded();
    expect(breaker.state).toBe('closed');
    hanging?.failed();
    for (let failure = 0; failure < 4; failure++) breaker.tryEnter()?.failed();
    expect(breaker.state).toBe('closed');
  });

  it('stays open no longer for those that hung beside the first, and fail after it', () => {
    const breaker = createOpen(30_000);
    const hanging = Array.from({ length: 10 }, () => {
      nowMs += 1_000;
      return breaker.tryEnter();
    });
    for (const trial of hanging) trial?.failed();
    nowMs += 2_000;
    const next = breaker.tryEnter();
    hanging[1]?.failed();
    next?.succeeded();
    expect(breaker.state).toBe('closed');
  });

  it('lets none through for one that leaves after another one has opened it again', () => {
    const breaker = createOpen(30_000);
    const [first, second] = [1, 2].map(() => {
      nowMs += 1_000;
      return breaker.tryEnter();
    });
    second?.failed();
    nowMs += 2_000;
    breaker.tryEnter();
    first?.dropped();
    expect(breaker.wouldLetThrough).toBe(false);
  });

  it('is closed by one that was let through beside another, and succeeds after that has failed', () => {
    const breaker = createOpen(30_000);
    const [first, second] = [1, 2].map(() => {
      nowMs += 1_000;
      return breaker.tryEnter();
    });
    first?.failed();
    expect(breaker.state).toBe('open');
    second?.succeeded();
    expect(breaker.state).toBe('closed');
  });

  it('lets the next one through at once when the one that tried it out has left', () => {
    const breaker = createOpen();
    nowMs += 1_000;
    breaker.tryEnter()?.dropped();
    expect(breaker.state).toBe('open');
    expect(breaker.tryEnter()).toBeDefined();
  });

  it('ignores what began before it opened, and what is told twice', () => {
    const breaker = create();
    const early = breaker.tryEnter();
    const twice = breaker.tryEnter();
    for (let told = 0; told < 5; told++) twice?.failed();
    expect(breaker.state).toBe('closed');
    for (let failure = 0; failure < 4; failure++) breaker.tryEnter()?.failed();
    expect(breaker.state).toBe('open');
    early?.succeeded();
    expect(breaker.state).toBe('open');
  });
});
