import { beforeEach, describe, expect, test } from 'vitest';
import { UserCache } from './user-cache.ts';

let nowMs: number;
let loads: number;
let cache: UserCache;

beforeEach(() => {
  nowMs = 0;
  loads = 0;
  cache = new UserCache({ now: () => new Date(nowMs), monotonicMs: () => nowMs });
  cache.restore();
});

/** Reads the value `name` of an owner; each load gives the next number. */
const read = (owner = 'notes:alice', name = 'list') =>
  cache.read(owner, { name, ttlMs: 60_000, load: async () => ++loads });

test('a value is loaded once, until its time is over', async () => {
  for (const atMs of [0, 1, 59_999]) {
    nowMs = atMs;
    expect(await read()).toBe(1);
  }
  nowMs = 60_000;
  expect(await read()).toBe(2);
});

test('that there is nothing is kept, too', async () => {
  const nothing = { name: 'settings', ttlMs: 60_000, load: async () => void loads++ };
  for (let round = 0; round < 2; round++) expect(await cache.read('notes:alice', nothing)).toBeUndefined();
  expect(loads).toBe(1);
});

test('each owner has values of its own, by name', async () => {
  expect([await read(), await read('notes:alice', 'other'), await read('notes:bob'), await read('todo:alice')]).toEqual(
    [1, 2, 3, 4],
  );
  expect(await read()).toBe(1);
});

test('all that an owner has is forgotten together, and nothing else', async () => {
  await read();
  await read('notes:alice', 'other');
  await read('notes:bob');
  cache.forget('notes:alice');
  expect([await read(), await read('notes:alice', 'other'), await read('notes:bob')]).toEqual([4, 5, 3]);
});

test('a load that fails is nobody else’s failure', async () => {
  const failing = { name: 'list', ttlMs: 60_000, load: () => Promise.reject(new Error('away')) };
  await expect(cache.read('notes:alice', failing)).rejects.toThrow('away');
  expect(await read()).toBe(1);
});

describe('what was read before a change is never kept:', () => {
  test.each([
    ['the owner is forgotten', () => cache.forget('notes:alice')],
    [
      'the owner is forgotten, and read anew meanwhile',
      async () => {
        cache.forget('notes:alice');
        await read('notes:alice', 'other');
      },
    ],
    [
      'changes are not heard of for a while',
      () => {
        cache.lose();
        cache.restore();
      },
    ],
  ])('%s in mid load', async (_what, change) => {
    const loading = Promise.withResolvers<string>();
    const early = cache.read('notes:alice', { name: 'list', ttlMs: 60_000, load: () => loading.promise });
    await change();
    loading.resolve('old');
    expect(await early).toBe('old');
    expect(await read()).not.toBe('old');
  });
});

test('while changes are not heard of, nothing is kept, and nothing of before afterwards', async () => {
  await read();
  cache.lose();
  expect([await read(), await read()]).toEqual([2, 3]);
  cache.restore();
  expect([await read(), await read()]).toEqual([4, 4]);
});

test('before changes are heard of for the first time, nothing is kept', async () => {
  cache = new UserCache({ now: () => new Date(nowMs), monotonicMs: () => nowMs });
  expect([await read(), await read()]).toEqual([1, 2]);
});

test('memory is bounded: what was not asked for longest goes', async () => {
  const text = 'x'.repeat(10_000_000);
  for (const owner of ['a', 'b', 'c', 'd'])
    await cache.read(owner, { name: 'list', ttlMs: 60_000, load: async () => text });
  expect(await read('a')).toBe(1);
  expect(await read('d')).toBe(text);
});
