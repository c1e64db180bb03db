import { Histogram, type Registry } from 'prom-client';
import type { JobObservation, JobStats } from '../../platform/jobs/index.ts';
import { readAtScrape } from '../../platform/telemetry/index.ts';

/** From a row that is written to the longest that a mail server is waited for. */
const buckets = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/** Adds the metrics of work in the background. */
export function createJobMetrics(registry: Registry) {
  const seconds = new Histogram({
    name: 'evenkeel_job_duration_seconds',
    help: 'Time that a try of a job took; the outcome is `completed`, `failed` or `set_aside`.',
    labelNames: ['job', 'outcome'],
    buckets,
    registers: [registry],
  });
  const readCounts = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_jobs',
    help: 'Jobs of all servers: waiting, running, or failed and set aside. None while the database is away.',
    labelNames: ['state'],
  });
  const readOldest = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_jobs_oldest_waiting_seconds',
    help: 'For how long the next job has been due.',
  });
  return {
    observe({ name: job, outcome, durationMs }: JobObservation): void {
      seconds.observe({ job, outcome }, durationMs / 1000);
    },
    watch(stats: () => Promise<JobStats | undefined>): void {
      // Both are read at the same time, and ask once.
      let asked: Promise<JobStats | undefined> | undefined;
      const ask = () =>
        (asked ??= stats().finally(() => {
          asked = undefined;
        }));
      readCounts(async () => {
        const counts = await ask();
        if (counts === undefined) return [];
        return (['waiting', 'running', 'failed'] as const).map((state) => [counts[state], { state }] as const);
      });
      readOldest(async () => {
        const counts = await ask();
        return counts === undefined ? [] : [[counts.oldest_waiting_seconds]];
      });
    },
  };
}
