import { sql } from '../../platform/postgres/index.ts';
import { type AccountColumns, type Actor, MAX_ENDED_SIGN_INS } from './caller.ts';

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
  from claimed full join known on true`;

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
 * The accounts of users, each with those of its sign-ins that were ended while access tokens of them may be about, which live
 * for a quarter of an hour by the clock of the server that signed them: of too many the last to begin; the latest first.
 * Indexes: users_pkey, refresh_families_ended. At most one row a user.
 */
export const findAccounts = (rows: readonly { userId: string }[]) => sql<
  AccountColumns & { i: number | null; auth_version: number; loaded_at_ms: number; ended: string[] | null }
>`
  -- accounts.find_accounts
  select input.i::integer as i, u.user_id, u.username, u.plan, u.email, u.settings, u.created_at, u.disabled_at,
    u.auth_version,
    -- The transaction began no later than it saw what it reads.
    floor(extract(epoch from now()) * 1000)::float8 as loaded_at_ms,
    (
      -- By itself, or Postgres may take them in the order of their ids, and read all that the user ever began.
      with lately as materialized (
        select id from refresh_families f where f.user_id = u.user_id and f.revoked_at > now() - interval '1 hour'
      )
      select array_agg(f.id order by f.id desc) from (
        select id from lately order by id desc limit ${MAX_ENDED_SIGN_INS}::integer
      ) f
    ) as ended
  from unnest(${rows.map((row) => row.userId)}::uuid[]) with ordinality as input (user_id, i)
  cross join lateral (
    select user_id, username, plan, email, settings, created_at, disabled_at, auth_version
    -- The limit, so that a batch is never answered by reading the whole table.
    from users where users.user_id = input.user_id limit 1
  ) u`;

/**
 * Changes what users say of themselves, and tells every server so; nulls leave things as they are, an e-mail address is
 * changed when that is said. Index: users_pkey. One row, or none of a user who is disabled meanwhile, or erased.
 */
export const updateAccount = (
  p: Actor & {
    username: string | null;
    changesEmail: boolean;
    email: string | null;
    /** As JSON. */
    settings: string | null;
  },
) => sql<{
  username: string;
  email: string | null;
  settings: unknown;
  auth_version: number;
  told: string | null;
}>`
  -- accounts.update_account
  with changed as (
    update users set
      username = coalesce(${p.username}, username),
      email = case when ${p.changesEmail}::boolean then ${p.email}::text else email end,
      email_verified = email_verified and not (${p.changesEmail}::boolean and ${p.email}::text is distinct from email),
      settings = coalesce(${p.settings}::jsonb, settings),
      auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and disabled_at is null
    returning user_id, username, email, settings, auth_version
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'user.updated', ${p.keyId}::uuid, user_id, ${p.ip}::inet from changed
  )
  select username, email, settings, auth_version,
    pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told
  from changed`;

/**
 * Begins to erase a user: from here on nobody can call or sign in as that user, the username and the identities are free,
 * every server is told, and a job erases the rest. Indexes: users_pkey, api_keys_pkey, identities_pkey,
 * refresh_families_expiry. One row, or none when that was begun before or there is no such user.
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
