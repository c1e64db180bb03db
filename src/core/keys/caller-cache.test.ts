import { expect, test } from 'vitest';
import { measureHeapBytes } from '../../../test/harness/measure-heap-bytes.ts';
import { TestClock } from '../../../test/harness/test-clock.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { createCallerCache } from './caller-cache.ts';
import { hashSecretHex } from './secret.ts';

const KEYS = 1_000;

/** A cache of the callers behind keys, all of whom keep these settings, as JSON, with their account. */
function openCache(settings: string) {
  let hash = '';
  const readRow = () => ({
    ...{ i: 1, user_id: newId(), key_id: newId(), hash: Buffer.from(hash, 'hex'), permissions: ['chat:read'] },
    ...{ ip_allowlist: null, expires_at: null, revoked_at: null, username: newId(), plan: 'free', email: null },
    ...{ settings: JSON.parse(settings), created_at: new Date(), disabled_at: null, auth_version: 1, loaded_at_ms: 1 },
  });
  const cache = createCallerCache({
    database: { query: async () => [readRow()] } as unknown as Database,
    redis: undefined,
    clock: new TestClock(),
    ...{ lookupBudgetMs: 1_000, ttlMs: 300_000, graceMs: 600_000, isEnabled: true },
  });
  cache.restore(0);
  const context = testContext();
  const findCaller = async (secret: string) => {
    hash = hashSecretHex(secret);
    return await cache.get(hash, context);
  };
  return { cache, findCaller };
}

test.each([
  ['many small values', JSON.stringify({ a: Array(2_700).fill({}) })],
  ['a text with a sign of each alphabet', JSON.stringify({ a: `${'x'.repeat(8_000)}ж` })],
])(
  'a caller whose settings are %s takes as much memory as the cache says, and no more than 20 kB',
  async (_what, settings) => {
    const { cache, findCaller } = openCache(settings);
    for (let index = 0; index < 100; index++) await findCaller(`warm ${index}`);
    cache.clear(0);
    const beforeBytes = measureHeapBytes();
    for (let index = 0; index < KEYS; index++) await findCaller(`key ${index}`);
    const tookBytes = measureHeapBytes() - beforeBytes;
    const { tags, sizeBytes } = cache.statistics();
    expect(tags).toBe(KEYS);
    expect(tookBytes).toBeLessThan(KEYS * 20_000);
    expect([tookBytes, sizeBytes, Math.abs(sizeBytes / tookBytes - 1) < 0.25]).toEqual([tookBytes, sizeBytes, true]);
  },
);

test('callers take no more than 64 MB, whatever they keep with their accounts', async () => {
  const { cache, findCaller } = openCache(JSON.stringify({ a: 'x'.repeat(8_000) }));
  for (let index = 0; index < 9_000; index++) await findCaller(`key ${index}`);
  const { sizeBytes, evictions } = cache.statistics();
  expect(sizeBytes).toBeLessThanOrEqual(64_000_000);
  expect(sizeBytes).toBeGreaterThan(60_000_000);
  expect(evictions).toBeGreaterThan(1_000);
});
