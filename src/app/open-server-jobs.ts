import type { Clock } from '../base/time.ts';
import { forgetIdempotencyKeys } from '../core/accounts/index.ts';
import type { Config } from '../platform/config/index.ts';
import { type Job, type Jobs, type JobsOptions, openJobs } from '../platform/jobs/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Database } from '../platform/postgres/index.ts';

/** What the jobs of a server are put together from. */
export interface JobParts {
  readonly database: Database;
  /** The database itself, not by way of a transaction pooler. */
  readonly directUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onJob?: NonNullable<JobsOptions['onJob']>;
}

/** Every job that there is. */
function listJobs({ database }: JobParts): Job[] {
  return [forgetIdempotencyKeys(database)];
}

/** Opens the jobs of a server, or of a process that does nothing else. */
export function openServerJobs({ jobs, http }: Config, parts: JobParts): Jobs {
  return openJobs({
    ...parts,
    jobs: listJobs(parts),
    concurrency: jobs.concurrency,
    stopTimeoutMs: http.drainTimeoutMs,
  });
}
