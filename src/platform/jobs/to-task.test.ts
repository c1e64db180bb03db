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

test('the log is told once that jobs of a kind fail, and once that they are done again', async () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } });
  const run = vi.fn<() => Promise<void>>(async () => {
    throw new Error('the mail server is gone');
  });
  const job = defineJob({ name: 'test.mail', input: Type.Object({}), run });
  const parts = { database: {} as Database, log, clock: systemClock, onJob: undefined, startTrace: undefined };
  const task = toTask(job, parts);
  for (const id of ['1', '2', '3']) {
    await expect(task({}, { job: { id, attempts: 1 } } as JobHelpers)).rejects.toThrow();
  }
  run.mockResolvedValue();
  await task({}, { job: { id: '1', attempts: 2 } } as JobHelpers);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', job: 'test.mail', jobId: '1', err: { message: 'the mail server is gone' } },
    { level: 'info', msg: 'jobs of the kind test.mail are done again' },
  ]);
});
