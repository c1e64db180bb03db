import { sql } from '../../platform/postgres/index.ts';

/**
 * Forgets Idempotency-Keys that are older than a day, of all users; for the server's own use. Index:
 * idempotency_keys_age. A row for each, at most `limit`.
 */
export const deleteOldIdempotencyKeys = (p: { limit: number }) => sql<{ user_id: string }>`
  -- accounts.delete_old_idempotency_keys
  delete from idempotency_keys
  where ctid = any (array(
    select ctid from idempotency_keys
    where created_at < now() - interval '1 day'
    order by created_at
    limit ${p.limit}::integer
    for update skip locked
  ))
  returning user_id`;
