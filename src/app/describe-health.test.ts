import { expect, test } from 'vitest';
import { testContext } from '../../test/harness/test-context.ts';
import { createHealthReport, type HealthParts } from './describe-health.ts';

test('of a server whose database and Redis are away, health says so in time, and what there is to know without them', async () => {
  const pool = { total: 3, active: 2, idle: 1, waiting: 0, size: 3, overflow: 0, utilisation: 2 / 3, status: 'NORMAL' };
  const statistics = { tags: 1, sizeBytes: 2, hitRate: 1 / 3, ttlMs: 5_000 };
  const report = createHealthReport({
    postgres: { poolStatus: () => pool },
    database: { state: () => 'open' },
    callers: { cache: { statistics: () => statistics } },
    redis: { isAvailable: false },
    models: { health: () => [{ model: 'm', target: 't', state: 'open' }] },
    jobs: { stats: () => new Promise(() => {}) },
    check: async () => ({ status: 'unavailable', reasons: ['Away.'], latencyMs: undefined }),
  } as unknown as HealthParts);
  const { active: _, ...others } = pool;
  expect(await report(testContext(20))).toEqual({
    status: 'unavailable',
    reasons: ['Away.'],
    version: expect.any(String),
    uptime_seconds: expect.any(Number),
    database: {
      status: 'down',
      breaker: 'open',
      latency_ms: null,
      pool: { ...others, checked_out: 2, utilisation: 0.667 },
    },
    cache: { users: 1, bytes: 2, hit_rate: 0.333, ttl_seconds: 5 },
    redis: { status: 'down' },
    jobs: null,
    models: [{ name: 'm', target: 't', state: 'open' }],
  });
});
