import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../log/index.ts';
import type { Statement } from '../postgres/index.ts';
import { WorkerLease } from './worker-lease.ts';

test('of a process that started its workers anew one speaks, until it stops', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const said: string[] = [];
  const database = {
    query: async <Row>({ name, values }: Statement<Row>): Promise<Row[]> => {
      said.push(`${name} ${values.find((value) => typeof value === 'string')}`);
      return [];
    },
  };
  const log = createLogger({ level: 'silent' });
  const lease = new WorkerLease({ database, log, leaseMs: 30_000, listHeldJobs: () => [] });
  for (const worker of ['first', 'second']) {
    lease.start(worker);
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(said.splice(0)).toEqual(['jobs.beat first', 'jobs.beat second']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(said.splice(0)).toEqual(['jobs.beat second']);
  await lease.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said).toEqual(['jobs.forget_worker second']);
});
