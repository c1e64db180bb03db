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
 * What the first request with an Idempotency-Key was answered, null while it is not, and whether it was the same request. One
 * row, or none when there was none. Index: idempotency_keys_pkey.
 */
export const findAnswer = (p: { userId: string; idempotencyKey: string; fingerprint: Buffer | null }) => sql<{
  answer: unknown | null;
  is_same: boolean | null;
}>`
  -- accounts.find_answer
  select answer, fingerprint = ${p.fingerprint}::bytea as is_same from idempotency_keys
  where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey}`;

/**
 * Claims an Idempotency-Key for work that is to be done, also one that was claimed so long ago that whoever did so is dead.
 * One row: `claimed_at` when it is the caller's now, else what is known of it: the `answer`, null while the work is under
 * way. No row when another statement claims it at the same moment. Index: idempotency_keys_pkey.
 */
export const claimIdempotencyKey = (p: {
  userId: string;
  idempotencyKey: string;
  /** A new id, which names the claim. */
  claim: string;
  fingerprint: Buffer;
  takeOverAfterMs: number;
}) => sql<{ claimed_at: Date | null; answer: string | null; is_same: boolean }>`
  -- accounts.claim_idempotency_key
  with claimed as (
    insert into idempotency_keys as k (user_id, key, claim, fingerprint, created_at)
    values (${p.userId}::uuid, ${p.idempotencyKey}, ${p.claim}::uuid, ${p.fingerprint}::bytea, clock_timestamp())
    on conflict (user_id, key) do update set claim = excluded.claim, created_at = excluded.created_at
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

/**
 * Lets go of a claimed key, also where it is not known when it was claimed. Index: idempotency_keys_pkey. One row, or none when
 * another has taken the key over.
 */
export const releaseIdempotencyKey = (p: ClaimedKey & { claim: string }) => sql<{ key: string }>`
  -- accounts.release_idempotency_key
  delete from idempotency_keys
  where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey} and answer is null and claim = ${p.claim}::uuid
    -- An earlier version of the server, which takes a key over, leaves the claim's name as it was.
    and created_at is not distinct from coalesce(${p.claimedAt}::timestamptz, created_at)
  returning key`;

/**
 * Begins to erase a user: from here on nobody can call or sign in as that user, the username and the identities are free,
 * every server is told, and a job erases the rest. Indexes: users_pkey, api_keys_pkey, identities_pkey,
 * refresh_families_pkey. One row, or none when that was begun before or there is no such user.
 *
 * The user's row is locked before keys and sign-ins, here and in every statement that locks both: no two wait for each other.
 */
export const beginErasing = (p: { userId: string }) => sql<{
  auth_version: number;
  told: string | null;
  job_id: number | null;
}>`
  -- accounts.begin_erasing
  with account as (
    update users set username = erased_username(user_id), email = null, email_verified = false, settings = '{}',
      referral_code = null, disabled_at = coalesce(disabled_at, now()), auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and username <> erased_username(user_id)
    returning user_id, auth_version
  ), keys as (
    delete from api_keys where user_id = ${p.userId}::uuid
  ), identity as (
    delete from identities where user_id = ${p.userId}::uuid
  ), families as (
    delete from refresh_families where user_id = ${p.userId}::uuid
  )
  select account.auth_version, job.id as job_id,
    pg_notify('evenkeel_users', account.user_id || ':' || account.auth_version)::text as told
  from account, graphile_worker.add_job('accounts.erase_user', json_build_object('user_id', account.user_id)) as job`;

/**
 * Erases users with all that they own and the jobs about them that do not run, and tells every server so; for the server's
 * own use. Indexes: users_pkey, jobs_of_user, rewards_referred_user. A row for each that there was.
 */
export const deleteUsers = (rows: readonly { userId: string }[]) => sql<{ user_id: string; told: string | null }>`
  -- accounts.delete_users
  with gone as (
    delete from users
    where user_id = any (${rows.map((row) => row.userId)}::uuid[])
    returning user_id, auth_version
  ), jobs as (
    delete from graphile_worker._private_jobs
    where payload ->> 'user_id' = any (${rows.map((row) => row.userId)}::text[]) and locked_at is null
  )
  select user_id, pg_notify('evenkeel_users', user_id || ':' || auth_version + 1)::text as told from gone`;
