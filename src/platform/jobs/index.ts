export { jobErrors } from './errors.ts';
export { installJobSchema } from './install-job-schema.ts';
export { defineJob, type Job } from './job.ts';
export { type Jobs, type JobsOptions, openJobs } from './jobs.ts';
export { type FailedJobRow, type JobStats, listFailedJobs } from './queries.ts';
export { setAsideUnknownJobs } from './set-aside-unknown-jobs.ts';
export type { JobObservation } from './to-task.ts';
