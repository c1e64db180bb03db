import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../base/time.ts';
import { loadConfig } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import type { Redis } from '../platform/redis/index.ts';
import { createServerMetrics } from './metrics/server-metrics.ts';
import { openCallers } from './open-callers.ts';

test('what is amiss is told: a Redis that does not answer, and changes of users that are not heard of', async () => {
  let answers = false;
  const callers = openCallers(loadConfig({}), {
    database: { query: () => Promise.reject(new Error('away')) },
    directUrl: 'postgres://127.0.0.1:1/nowhere',
    redis: { ping: async () => answers, isAvailable: true } as unknown as Redis,
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
    metrics: createServerMetrics(),
  });
  onTestFinished(() => callers.close());
  const notHeard = expect.stringContaining('Changes of users are not heard of');
  expect(await callers.findTrouble()).toEqual([expect.stringContaining('Redis does not answer'), notHeard]);
  answers = true;
  expect(await callers.findTrouble()).toEqual([notHeard]);
});
