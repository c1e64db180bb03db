import { Type } from 'typebox';
import { type Database, inPages } from '../postgres/index.ts';
import { defineJob, type Job } from './job.ts';
import { setAsideUnknown } from './queries.ts';

/**
 * Every night sets aside the jobs that have been due for a day and are none of these, such as those of an assistant that was taken
 * away: workers leave them, and nobody would hear of them. A day, for a server of a later version may come to know them.
 */
export function setAsideUnknownJobs(database: Database, jobs: readonly Job[]): Job {
  const names = jobs.map(({ name }) => name);
  return defineJob({
    name: 'jobs.set_aside_unknown',
    input: Type.Object({}),
    crontab: '40 3 * * *',
    run: (_payload, context) => inPages((limit) => database.query(setAsideUnknown({ names, limit }), context)),
  });
}
