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

/**
 * Claims an Idempotency-Key for work that is to be done, also one that was claimed so long ago that whoever did so is dead.
 * One row: `claimed_at` when it is the caller's now, else what is known of it: the `answer`, null while the work is under
 * way. No row when another statement claims it at the same moment. Index: idempotency_keys_pkey.
 */
export const claimIdempotencyKey = (p: {
  userId: string;
  idempotencyKey: string;
  fingerprint: Buffer;
  takeOverAfterMs: number;
}) => sql<{ claimed_at: Date | null; answer: string | null; is_same: boolean }>`
  -- accounts.claim_idempotency_key
  with claimed as (
    insert into idempotency_keys as k (user_id, key, fingerprint, created_at)
    values (${p.userId}::uuid, ${p.idempotencyKey}, ${p.fingerprint}::bytea, clock_timestamp())
    on conflict (user_id, key) do update set created_at = excluded.created_at
    where k.answer is null and k.fingerprint = excluded.fingerprint
      and k.created_at < clock_timestamp() - make_interval(secs => ${p.takeOverAfterMs}::double precision / 1000)
    returning created_at
  ), known as (
    select answer #>> '{}' as answer, fingerprint = ${p.fingerprint}::bytea as is_same from idempotency_keys
    where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey} and not exists (select from claimed)
  )
  select claimed.created_at as claimed_at, known.answer, coalesce(known.is_same, true) as is_same
  from (select) one left join claimed on true left join known on true
  where claimed.created_at is not null or known.is_same is not null`;

/** An Idempotency-Key as the caller claimed it; when it was claimed tells a claim from one that took it over. */
interface ClaimedKey {
  userId: string;
  idempotencyKey: string;
  claimedAt: Date | null;
}

/**
 * Keeps the answer to the request that claimed a key, as text: JSON in the database would lose the order of its fields, and
 * some of its characters. Index: idempotency_keys_pkey. One row, or none when another has taken the key over.
 */
export const rememberAnswer = (p: ClaimedKey & { answer: string }) => sql<{ key: string }>`
  -- accounts.remember_answer
  update idempotency_keys set answer = to_jsonb(${p.answer}::text)
  where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey} and answer is null
    -- Not "=", or the index of ages would be taken for it.
    and created_at is not distinct from ${p.claimedAt}::timestamptz
  returning key`;

/** Lets go of a claimed key. Index: idempotency_keys_pkey. One row, or none when another has taken the key over. */
export const releaseIdempotencyKey = (p: ClaimedKey) => sql<{ key: string }>`
  -- accounts.release_idempotency_key
  delete from idempotency_keys
  where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey} and answer is null
    -- Not "=", or the index of ages would be taken for it.
    and created_at is not distinct from ${p.claimedAt}::timestamptz
  returning key`;

/**
 * Erases users with all that they own, and tells every server so; for the operator's own use. Index: users_pkey. A row for
 * each that there was.
 */
export const deleteUsers = (rows: readonly { userId: string }[]) => sql<{ user_id: string; told: string | null }>`
  -- accounts.delete_users
  with gone as (
    delete from users
    where user_id = any (${rows.map((row) => row.userId)}::uuid[])
    returning user_id, auth_version
  )
  select user_id, pg_notify('evenkeel_users', user_id || ':' || auth_version + 1)::text as told from gone`;
