import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { deleteOldWriters } from './queries.ts';

/**
 * How long the row of a process that writes usage no more is kept, in days. The row keeps a batch that is sent again from
 * counting twice, so it must outlast the longest outage of the database in which a process goes on trying.
 */
const KEPT_DAYS = 30;

/** Every night forgets the processes that stored no usage for long: those that were killed left their rows. */
export function forgetUsageWriters(database: Database): Job {
  return defineJob({
    name: 'plans.forget_usage_writers',
    input: Type.Object({}),
    crontab: '30 3 * * *',
    async run(_payload, context) {
      await database.query(deleteOldWriters({ keptDays: KEPT_DAYS }), context);
    },
  });
}
