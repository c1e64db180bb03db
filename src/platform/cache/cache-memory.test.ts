import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { measureHeapBytes } from '../../../test/harness/measure-heap-bytes.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import { Cache } from './index.ts';

const USERS = 10_000;
const MEGABYTE = 1e6;

/** A text as one that came over a socket: flat, and shared with nothing. */
const fresh = (text: string): string => Buffer.from(text).toString();

const permissions = ['chat:read', 'chat:write', 'keys:read', 'keys:write', 'account:read', 'account:write', 'admin'];

/** As large as what is kept of a caller with all permissions. */
function makeCaller() {
  return {
    userId: fresh(newId()),
    username: fresh('a user with a name of 32 letters'),
    plan: fresh('unlimited'),
    createdAt: fresh(new Date().toISOString()),
    keyId: fresh(newId()),
    permissions: [...permissions],
    expiresAtMs: null,
    isDisabled: false,
  };
}

test('10,000 cached users take at most 10 MB, and what the cache says of it is true to a quarter', async () => {
  const clock = new TestClock();
  const cache = new Cache({
    name: 'memory',
    load: async () => {
      const value = makeCaller();
      return { value, tag: value.userId, version: 1, loadedAtMs: 1_700_000_000_000 };
    },
    loadBudgetMs: 5_000,
    isValue: (json): json is ReturnType<typeof makeCaller> => json !== null,
    ttlMs: 300_000,
    graceMs: 600_000,
    maxEntries: 50_000,
    maxBytes: 64 * MEGABYTE,
    clock,
    isEnabled: true,
  });
  cache.restore(0);
  const context = testContext();
  for (let index = 0; index < 100; index++) await cache.get(hash('sha256', `warm ${index}`), context);
  cache.clear(0);
  const beforeBytes = measureHeapBytes();
  for (let index = 0; index < USERS; index++) await cache.get(hash('sha256', `key ${index}`), context);
  const tookBytes = measureHeapBytes() - beforeBytes;
  const { tags, sizeBytes } = cache.statistics();
  expect(tags).toBe(USERS);
  expect(tookBytes).toBeLessThan(10 * MEGABYTE);
  expect([tookBytes, sizeBytes, Math.abs(sizeBytes / tookBytes - 1) < 0.25]).toEqual([tookBytes, sizeBytes, true]);
});
