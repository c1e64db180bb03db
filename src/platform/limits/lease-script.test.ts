import { expect, test } from 'vitest';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { defineScript } from '../redis/index.ts';
import { leaseScript } from './lease-script.ts';

const own = useTestRedis();

/** Leases a point, or a block of ten, of a thousand. */
function lease(lessee: string, known: { leased: number; used: number }, key = 'a'): Promise<unknown> {
  return own.redis.run(leaseScript, [key], [1, lessee, known.leased, known.used, 10, 1_000, 60_000]);
}

test('a lease that is done twice, or after the next one, counts once', async () => {
  expect(await lease('another', { leased: 0, used: 0 })).toEqual([10, 10]);
  expect(await lease('one', { leased: 0, used: 100 })).toEqual([110, 120]);
  expect(await lease('one', { leased: 0, used: 100 })).toEqual([110, 120]);
  expect(await lease('one', { leased: 110, used: 300 })).toEqual([310, 320]);
  expect(await lease('one', { leased: 0, used: 100 })).toEqual([310, 320]);
});

test('a Redis that has lost its counts takes for given out what a server still has leased, beside what it used', async () => {
  expect(await lease('one', { leased: 150, used: 100 }, 'lost')).toEqual([150, 150]);
});

test('the last points are given out in smaller blocks, so that there are some for every server', async () => {
  expect(await lease('most', { leased: 0, used: 960 }, 'scarce')).toEqual([964, 964]);
});

test('a server whose clock is ahead does not have a count lapse before its window is over for the others', async () => {
  const keptMs = (of: string) => own.redis.run(defineScript(`return redis.call('pttl', KEYS[1])`), [of], []);
  await own.redis.run(leaseScript, ['b'], [1, 'one', 0, 0, 10, 1_000, 60_000]);
  await own.redis.run(leaseScript, ['b'], [1, 'ahead', 0, 0, 10, 1_000, 1_000]);
  expect(await keptMs('b')).toBeGreaterThan(30_000);
  await own.redis.run(leaseScript, ['b'], [1, 'behind', 0, 0, 10, 1_000, 120_000]);
  expect(await keptMs('b')).toBeGreaterThan(60_000);
});
