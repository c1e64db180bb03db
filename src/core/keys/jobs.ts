import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import { type Database, inPages } from '../../platform/postgres/index.ts';
import { deleteEndedKeys } from './queries.ts';

/**
 * How long a key is kept after it was revoked or expired, in days: while it is, whoever still sends it is told that it
 * expired, and its owner sees it in the list. Kept for ever, keys would pile up that are made for an hour each.
 */
export const KEPT_DAYS = 30;

/** Every night removes the keys that were revoked or expired long ago. */
export function forgetEndedKeys(database: Database): Job {
  return defineJob({
    name: 'keys.forget_ended_keys',
    input: Type.Object({}),
    crontab: '20 3 * * *',
    run: (_payload, context) =>
      inPages((limit) => database.query(deleteEndedKeys({ keptDays: KEPT_DAYS, limit }), context)),
  });
}
