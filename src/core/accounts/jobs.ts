import { Type } from 'typebox';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { deleteOldIdempotencyKeys } from './queries.ts';

/** Keys forgotten by one statement: few enough that it is over in a moment. */
const batchLimit = 1_000;

/** Every minute forgets the Idempotency-Keys that are older than a day, a batch at a time. */
export function forgetIdempotencyKeys(database: Database): Job {
  return defineJob({
    name: 'accounts.forget_idempotency_keys',
    input: Type.Object({}),
    crontab: '* * * * *',
    async run(_payload, context) {
      const forget = () => database.query(deleteOldIdempotencyKeys({ limit: batchLimit }), context);
      while ((await forget()).length === batchLimit);
    },
  });
}
