import { sql } from '../../../platform/postgres/index.ts';

/** A sign-in, and the account to be made when its identity is new. */
export interface SignInRow {
  issuer: string;
  subject: string;
  userId: string;
  username: string;
  /** The name to take when the other is taken; null when the user chose that one. */
  spareUsername: string | null;
  email: string | null;
  isEmailVerified: boolean;
  referralCode: string | null;
  ip: string | null;
  activityId: string;
  keyId: string;
  hash: Buffer;
  prefix: string;
  /** What the first key may do, as Postgres writes an array. */
  permissions: string;
}

/** What a sign-in comes to, and the account; whose columns are null when the sign-in was refused. */
export interface SignInAnswer {
  i: number | null;
  outcome: 'known' | 'created' | 'unknown_referral_code' | 'username_taken' | null;
  user_id: string;
  username: string;
  plan: string;
  email: string;
  settings: unknown;
  created_at: Date;
  disabled_at: Date | null;
  auth_version: number;
  loaded_at_ms: number;
  /** How many jobs the statement enqueued. */
  jobs: number | null;
}

/**
 * Signs in: the account of each identity. For one that is new, makes the user, the identity, the first API key, the
 * activity, the referral and the jobs that follow; unless the referral code is unknown or the chosen username taken: then
 * nothing. For one that is known, notes that its e-mail address is verified when its provider says so by now. The outcome is
 * null when another sign-in made the account or took the chosen username at this moment; asked again, that is known. Names
 * are taken in their order, so that two such statements do not deadlock. One row each.
 * Indexes: identities_issuer_subject_key, users_pkey, users_username_key, users_referral_code_key.
 */
export const signIn = (rows: readonly SignInRow[]) => sql<SignInAnswer>`
  -- accounts.sign_in
  with input as (
    select * from unnest(
      ${rows.map((row) => row.issuer)}::text[], ${rows.map((row) => row.subject)}::text[],
      ${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.username)}::text[],
      ${rows.map((row) => row.spareUsername)}::text[], ${rows.map((row) => row.email)}::text[],
      ${rows.map((row) => row.isEmailVerified)}::boolean[], ${rows.map((row) => row.referralCode)}::text[],
      ${rows.map((row) => row.ip)}::inet[], ${rows.map((row) => row.activityId)}::uuid[],
      ${rows.map((row) => row.keyId)}::uuid[], ${rows.map((row) => row.hash)}::bytea[],
      ${rows.map((row) => row.prefix)}::text[], ${rows.map((row) => row.permissions)}::text[]
    ) with ordinality as input (issuer, subject, user_id, username, spare_username, email, email_verified, referral_code,
      ip, activity_id, key_id, hash, prefix, permissions, i)
  ), judged as (
    select input.*, known.user_id as known_id, referrer.user_id as referrer_id,
      input.referral_code is not null and referrer.user_id is null as has_unknown_code,
      coalesce(case when namesake.user_id is null then input.username end, input.spare_username) as free_username
    from input
    -- Limits, so that a batch is never answered by reading whole tables.
    left join lateral (
      select user_id from identities d where d.issuer = input.issuer and d.subject = input.subject limit 1
    ) known on true
    left join lateral (
      select user_id from users u where u.referral_code = input.referral_code and u.disabled_at is null limit 1
    ) referrer on true
    left join lateral (select user_id from users u where u.username = input.username limit 1) namesake on true
  ), newcomer as (
    -- Of those who want one name, the first gets it.
    select *, case when row_number() over (partition by free_username order by i) = 1
      then free_username else spare_username end as new_username
    from (
      select distinct on (issuer, subject) * from judged
      where known_id is null and not has_unknown_code and free_username is not null
      order by issuer, subject, i
    ) fresh
  ), new_identity as (
    insert into identities (user_id, issuer, subject)
    select user_id, issuer, subject from newcomer where new_username is not null
    order by issuer, subject
    on conflict (issuer, subject) do nothing
    returning user_id
  ), new_user as (
    insert into users (user_id, username, email, email_verified)
    select n.user_id, n.new_username, n.email, n.email_verified from newcomer n join new_identity using (user_id)
    order by n.new_username
    returning user_id, username, plan, email, settings, created_at, disabled_at, auth_version
  ), new_key as (
    insert into api_keys (user_id, id, hash, prefix, name, permissions)
    select user_id, n.key_id, n.hash, n.prefix, 'first key', n.permissions::text[] from newcomer n join new_user using (user_id)
  ), act as (
    insert into activity (user_id, id, kind, subject_id, ip)
    select user_id, n.activity_id, 'user.created', user_id, n.ip from newcomer n join new_user using (user_id)
  ), new_referral as (
    insert into referrals (user_id, referred_user_id)
    select n.referrer_id, user_id from newcomer n join new_user using (user_id) where n.referrer_id is not null
    returning referred_user_id
  ), late_verified as (
    -- Whose row is locked by somebody else waits for the next sign-in, so that no two statements wait for each other.
    update users set email_verified = true where user_id = any (array(
      select late.user_id from judged j cross join lateral (
        select user_id from users u where u.user_id = j.known_id and u.email = j.email and not u.email_verified
        limit 1 for no key update skip locked
      ) late
      where j.email_verified
    ))
  ), due as materialized (
    select 'notifications.welcome' as job, user_id from new_user
    union all
    select 'referrals.reward', referred_user_id from new_referral
  ), enqueued as (
    select job.id from due, graphile_worker.add_job(due.job, json_build_object('user_id', due.user_id)) as job
  )
  select j.i::integer as i,
    case
      when j.known_id is not null then 'known'
      when new_user.user_id is not null then 'created'
      when j.has_unknown_code then 'unknown_referral_code'
      when j.free_username is null then 'username_taken'
    end as outcome,
    account.user_id, account.username, account.plan, account.email, account.settings, account.created_at,
    account.disabled_at, account.auth_version, floor(extract(epoch from now()) * 1000)::float8 as loaded_at_ms,
    -- Counted, or Postgres would not do it: it leaves out a select that nothing reads.
    (select count(*)::integer from enqueued) as jobs
  from judged j
  left join lateral (
    select user_id, username, plan, email, settings, created_at, disabled_at, auth_version
    from users u where u.user_id = j.known_id limit 1
  ) old on true
  left join new_user on new_user.user_id = j.user_id
  cross join lateral (
    select coalesce(old.user_id, new_user.user_id) as user_id, coalesce(old.username, new_user.username) as username,
      coalesce(old.plan, new_user.plan) as plan, coalesce(old.email, new_user.email) as email,
      coalesce(old.settings, new_user.settings) as settings, coalesce(old.created_at, new_user.created_at) as created_at,
      old.disabled_at as disabled_at, coalesce(old.auth_version, new_user.auth_version) as auth_version
  ) account`;

/**
 * How many expired families a statement forgets. Each adds one at most, so that more is enough; all that a user may have at
 * once, after a month of a program that signs in for each of its calls, would take longer than a statement may.
 */
const FORGOTTEN_AT_ONCE = 100;

/**
 * Uses a refresh token: its family goes on to the next generation, when the token is the family's last and nothing ended
 * it. One that was used before ends the family with the activity of that, and tells every server so. Also forgets some of the
 * user's families that expired a day ago: by the clock of a server, the token of one that was ended may be good for longer
 * than by that of the database. One row with what the family is at now, which is of no use when the user is disabled; `told`
 * only when it ended now. No row when there is no such user.
 * Indexes: users_pkey, refresh_families_pkey, refresh_families_expiry.
 */
export const useRefreshToken = (p: {
  userId: string;
  id: string;
  generation: number;
  lifeSeconds: number;
  activityId: string;
  ip: string | null;
}) => sql<{
  is_disabled: boolean;
  generation: number;
  is_revoked: boolean;
  auth_version: number;
  told: string | null;
}>`
  -- accounts.use_refresh_token
  with account as (
    -- Locked before the families, as by whoever erases the user.
    select user_id, disabled_at from users where user_id = ${p.userId}::uuid for no key update
  ), forgotten as (
    delete from refresh_families
    where user_id = ${p.userId}::uuid and exists (select from account) and id = any (array(
      select id from refresh_families
      where user_id = ${p.userId}::uuid and expires_at < now() - interval '1 day' and id <> ${p.id}::uuid
      limit ${FORGOTTEN_AT_ONCE}::integer
    ))
  ), known as (
    -- Where it was ended before: told of as it was when this statement began.
    select generation from refresh_families where user_id = ${p.userId}::uuid and id = ${p.id}::uuid
  ), family as (
    insert into refresh_families (user_id, id, generation, expires_at)
    select user_id, ${p.id}::uuid, ${p.generation}::integer + 1, now() + make_interval(secs => ${p.lifeSeconds}::integer)
    from account where disabled_at is null
    on conflict (user_id, id) do update set
      generation = case when refresh_families.generation = excluded.generation - 1
        then excluded.generation else refresh_families.generation end,
      revoked_at = case when refresh_families.generation <> excluded.generation - 1 then now() end,
      expires_at = excluded.expires_at
    -- It is ended once, however many come in the same millisecond.
    where refresh_families.revoked_at is null
    returning user_id, generation, revoked_at
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from family where revoked_at is not null)
    returning user_id, auth_version
  ), act as (
    insert into activity (user_id, id, kind, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'user.token_reused', ${p.id}::uuid, ${p.ip}::inet from touched
  )
  select account.disabled_at is not null as is_disabled,
    coalesce(family.generation, known.generation, ${p.generation}::integer) as generation,
    family.user_id is null or family.revoked_at is not null as is_revoked, touched.auth_version,
    case when touched.user_id is not null
      then pg_notify('evenkeel_users', touched.user_id || ':' || touched.auth_version)::text end as told
  from account left join known on true left join family on true left join touched on true`;

/**
 * Ends a sign-in: its refresh tokens at once, its access tokens as soon as the servers hear of it. Also forgets some of the
 * user's families that expired a day ago. One row, or none when it was ended before or there is no such user, or one who is
 * being erased. Indexes: users_pkey, refresh_families_pkey, refresh_families_expiry.
 */
export const endSignIn = (p: {
  userId: string;
  id: string;
  lifeSeconds: number;
  activityId: string;
  ip: string | null;
}) => sql<{ auth_version: number; told: string | null }>`
  -- accounts.end_sign_in
  with account as (
    -- Locked before the families, as by whoever erases the user.
    select user_id from users where user_id = ${p.userId}::uuid and username <> erased_username(user_id)
    for no key update
  ), forgotten as (
    delete from refresh_families
    where user_id = ${p.userId}::uuid and exists (select from account) and id = any (array(
      select id from refresh_families
      where user_id = ${p.userId}::uuid and expires_at < now() - interval '1 day' and id <> ${p.id}::uuid
      limit ${FORGOTTEN_AT_ONCE}::integer
    ))
  ), ended as (
    insert into refresh_families (user_id, id, generation, expires_at, revoked_at)
    select user_id, ${p.id}::uuid, 0, now() + make_interval(secs => ${p.lifeSeconds}::integer), now()
    from account
    on conflict (user_id, id) do update set revoked_at = now() where refresh_families.revoked_at is null
    returning user_id
  ), act as (
    insert into activity (user_id, id, kind, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'user.signed_out', ${p.id}::uuid, ${p.ip}::inet from ended
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from ended)
    returning user_id, auth_version
  )
  select auth_version, pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told from touched`;
