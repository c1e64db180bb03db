import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { dropOldActivity, makePartitions } from './queries.ts';

/** Partitions made ahead: servers may stand still for as long before activity gathers in the default partition. */
const MONTHS_AHEAD = 2;
/** Rows in no month's partition that `dropOldActivity` deletes at most. */
const BATCH_LIMIT = 10_000;

/** Every day makes the partitions of the months to come and drops what is older than so many days, by whole months. */
export function keepActivity(database: Database, keepDays: number): Job {
  return defineJob({
    name: 'activity.keep_partitions',
    input: Type.Object({}),
    crontab: '10 3 * * *',
    async run(_payload, context) {
      await database.query(makePartitions({ monthsAhead: MONTHS_AHEAD }), context);
      const drop = async () => (await database.query(dropOldActivity({ keepDays }), context))[0]?.dropped ?? 0;
      while ((await drop()) >= BATCH_LIMIT);
    },
  });
}
