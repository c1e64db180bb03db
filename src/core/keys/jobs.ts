import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { deleteEndedKeys } from './queries.ts';

/**
 * How long a key is kept after it was revoked or expired, in days: while it is, whoever still sends it is told that it
 * expired, and its owner sees it in the list. Kept for ever, keys would pile up that are made for an hour each.
 */
export const KEPT_DAYS = 30;

/** Keys removed by one statement: few enough that it is over in a moment. */
const batchLimit = 1_000;

/** Every night removes the keys that were revoked or expired long ago, a batch at a time. */
export function forgetEndedKeys(database: Database): Job {
  return defineJob({
    name: 'keys.forget_ended_keys',
    input: Type.Object({}),
    crontab: '20 3 * * *',
    async run(_payload, context) {
      const forget = () => database.query(deleteEndedKeys({ keptDays: KEPT_DAYS, limit: batchLimit }), context);
      while ((await forget()).length === batchLimit);
    },
  });
}
