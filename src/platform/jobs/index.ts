export { jobErrors } from './errors.ts';
export { installJobSchema } from './install-job-schema.ts';
export { defineJob, InvalidPayload, type Job, type JobContext, type JobDefinition } from './job.ts';
export { type JobStats, type Jobs, type JobsOptions, openJobs } from './jobs.ts';
export { deleteJob, type FailedJobRow, listFailedJobs, retryJob } from './queries.ts';
export type { JobObservation } from './to-task.ts';
