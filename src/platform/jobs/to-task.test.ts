import type { JobHelpers } from 'graphile-worker';
import { Type } from 'typebox';
import { expect, test, vi } from 'vitest';
import { systemClock } from '../../base/time.ts';
import { createLogger } from '../log/index.ts';
import type { Database } from '../postgres/index.ts';
import { defineJob } from './index.ts';
import { toTask } from './to-task.ts';

test('a job whose worker died in every try is set aside, and not tried once more', async () => {
  const run = vi.fn(async () => {});
  const query = vi.fn(async () => []);
  const job = defineJob({ name: 'test.deadly', input: Type.Object({}), maxAttempts: 2, run });
  const parts = { database: { query } as Database, log: createLogger({ level: 'silent' }), clock: systemClock };
  const onJob = vi.fn();
  const task = toTask(job, { ...parts, onJob, startTrace: undefined });
  const helpers = { job: { id: '1', attempts: 3 } } as JobHelpers;
  await expect(task({}, helpers)).rejects.toThrow('WorkersDied');
  expect(run).not.toHaveBeenCalled();
  expect(query.mock.calls).toMatchObject([[{ name: 'jobs.make_last_attempt', values: [1] }, expect.anything()]]);
  expect(onJob.mock.calls).toMatchObject([[{ outcome: 'set_aside' }]]);
});
