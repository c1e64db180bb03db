import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import { type Database, inPages } from '../../platform/postgres/index.ts';
import { deleteOldIdempotencyKeys } from './queries.ts';

/** Every minute forgets the Idempotency-Keys that are older than a day. */
export function forgetIdempotencyKeys(database: Database): Job {
  return defineJob({
    name: 'accounts.forget_idempotency_keys',
    input: Type.Object({}),
    crontab: '* * * * *',
    run: (_payload, context) => inPages((limit) => database.query(deleteOldIdempotencyKeys({ limit }), context)),
  });
}
