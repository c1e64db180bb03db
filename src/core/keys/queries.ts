import { sql } from '../../platform/postgres/index.ts';
import type { AccountColumns, Actor, Idempotency } from '../accounts/index.ts';
import { MAX_KEYS } from './max-keys.ts';
import type { KeyBounds } from './own-bounds.ts';

/** A key as its owner sees it. */
export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  permissions: string[];
  ip_allowlist: string[] | null;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}

/** What a change of what a user may do led to; `told` says that the other servers are told when it commits. */
interface UserChange {
  auth_version: number;
  told: string | null;
}

/**
 * The user behind each key hash, and when this was read by the database's clock, in milliseconds. Index:
 * api_keys_hash_key, users_pkey. At most one row a hash.
 */
export const findCallers = (rows: readonly { hash: Buffer }[]) => sql<
  AccountColumns & {
    i: number | null;
    key_id: string;
    hash: Buffer;
    permissions: string[];
    ip_allowlist: string[] | null;
    expires_at: Date | null;
    revoked_at: Date | null;
    auth_version: number;
    loaded_at_ms: number;
  }
>`
  -- keys.find_callers
  select input.i::integer as i, k.user_id, k.id as key_id, k.hash, k.permissions, k.ip_allowlist, k.expires_at, k.revoked_at,
    u.username, u.plan, u.email, u.settings, u.created_at, u.disabled_at, u.auth_version,
    -- The transaction began no later than it saw what it reads.
    floor(extract(epoch from now()) * 1000)::float8 as loaded_at_ms
  from unnest(${rows.map((row) => row.hash)}::bytea[]) with ordinality as input (hash, i)
  cross join lateral (
    select user_id, id, hash, permissions, ip_allowlist, expires_at, revoked_at from api_keys where hash = input.hash limit 1
  ) k
  cross join lateral (
    select username, plan, email, settings, created_at, disabled_at, auth_version from users
    where user_id = k.user_id
    limit 1
  ) u`;

/** A key to be stored, once by its Idempotency-Key if it has one. */
export interface NewKey extends Actor, Idempotency {
  id: string;
  hash: Buffer;
  prefix: string;
}

/**
 * Stores a key with the activity of its making and the record of its Idempotency-Key. One row: the key, as JSON has it, null
 * when the user has as many as may be; when the Idempotency-Key was used before, the key that was made then. No row when there
 * is no such user, or one who is being erased. Index: idempotency_keys_pkey.
 */
export const insertKey = (p: NewKey & KeyBounds & { name: string }) => sql<{
  key: unknown;
  replayed: boolean;
  is_same: boolean;
}>`
  -- keys.insert_key
  with known as (
    select answer, fingerprint from idempotency_keys where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey}::text
  ), allowed as materialized (
    select api_key_is_allowed(${p.userId}::uuid, ${MAX_KEYS}::integer) as is_allowed where not exists (select from known)
  ), created as (
    insert into api_keys (user_id, id, hash, prefix, name, permissions, ip_allowlist, expires_at)
    select ${p.userId}::uuid, ${p.id}::uuid, ${p.hash}::bytea, ${p.prefix}, ${p.name}, ${p.permissions}::text[],
      ${p.ipAllowlist}::text[], ${p.expiresAt}::timestamptz
    from allowed where is_allowed
    returning id, name, prefix, permissions, ip_allowlist, created_at, expires_at, last_used_at
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select ${p.userId}::uuid, ${p.idempotencyKey}::text, ${p.fingerprint}::bytea, to_jsonb(created) from created
    where ${p.idempotencyKey}::text is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'key.created', ${p.keyId}::uuid, created.id, ${p.ip}::inet from created
  )
  select coalesce(known.answer, to_jsonb(created)) as key, known.answer is not null as replayed,
    coalesce(known.fingerprint = ${p.fingerprint}::bytea, true) as is_same
  from (select) one left join known on true left join allowed on true left join created on true
  where known.fingerprint is not null or allowed.is_allowed is not null`;

/**
 * Makes a key of the same name, permissions and networks as another, which goes on for an overlap and no longer, or is revoked
 * where there is none; tells every server so. A key that expires is followed by one that lives as long as it was to live, also
 * when it was replaced before, but no longer than the caller. The record of the Idempotency-Key and the activity are written
 * with it.
 *
 * One row: `key` is the new key as JSON has it, null when the other may do what the caller may not, works from elsewhere
 * or for longer (not `is_within`), or the user has as many as may be; when the Idempotency-Key was used before, the key that
 * was made then. No row when there is no such key. Index: api_keys_pkey, api_keys_working, users_pkey, idempotency_keys_pkey.
 */
export const rotateKey = (p: NewKey & { oldId: string; own: KeyBounds; overlapSeconds: number }) => sql<{
  key: unknown;
  replayed: boolean;
  is_same: boolean;
  permissions: string[] | null;
  is_within: boolean;
  /** 0 when nothing was changed. */
  auth_version: number;
  told: string | null;
}>`
  -- keys.rotate_key
  with known as (
    select answer, fingerprint from idempotency_keys where user_id = ${p.userId}::uuid and key = ${p.idempotencyKey}::text
  ), owner as (
    -- Locked before the key, as by whoever erases the user.
    select user_id from users where user_id = ${p.userId}::uuid for no key update
  ), target as (
    select id, name, permissions, ip_allowlist,
      nullif(coalesce(planned_expires_at, expires_at), 'infinity') - created_at as lifetime,
      api_key_is_within(coalesce(planned_expires_at, expires_at), ip_allowlist, ${p.own.expiresAt}::timestamptz,
        ${p.own.ipAllowlist}::inet[])::boolean as is_within,
      expires_at is null or expires_at > now() as works
    from api_keys
    where user_id = ${p.userId}::uuid and id = ${p.oldId}::uuid and revoked_at is null and not exists (select from known)
      and exists (select from owner)
    for update
  ), allowed as materialized (
    select case
      -- What works now is revoked for it, so there are as many as before: a key that leaked must not have to wait.
      when ${p.overlapSeconds}::integer = 0 and works then true
      -- For the overlap there is one more.
      else api_key_is_allowed(${p.userId}::uuid, ${MAX_KEYS}::integer + 1)
    end as is_allowed
    from target
  ), ending as (
    update api_keys k set planned_expires_at = coalesce(k.planned_expires_at, k.expires_at, 'infinity'),
      -- Not by the time, which a server's own clock would tell: it may be behind.
      revoked_at = case when ${p.overlapSeconds}::integer = 0 then now() end,
      expires_at = least(k.expires_at, now() + make_interval(secs => ${p.overlapSeconds}::integer))
    from target, allowed
    where k.user_id = ${p.userId}::uuid and k.id = target.id and target.permissions <@ ${p.own.permissions}::text[]
      and target.is_within and allowed.is_allowed
    returning k.id
  ), created as (
    insert into api_keys (user_id, id, hash, prefix, name, permissions, ip_allowlist, expires_at)
    select ${p.userId}::uuid, ${p.id}::uuid, ${p.hash}::bytea, ${p.prefix}, name, permissions, ip_allowlist,
      -- No later than can be written in RFC 3339.
      case when lifetime is not null
        then least(now() + lifetime, ${p.own.expiresAt}::timestamptz, timestamptz '9999-12-31 23:59:59Z') end
    from target where exists (select from ending)
    returning id, name, prefix, permissions, ip_allowlist, created_at, expires_at, last_used_at
  ), remembered as (
    insert into idempotency_keys (user_id, key, fingerprint, answer)
    select ${p.userId}::uuid, ${p.idempotencyKey}::text, ${p.fingerprint}::bytea, to_jsonb(created) from created
    where ${p.idempotencyKey}::text is not null
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'key.rotated', ${p.keyId}::uuid, ending.id, ${p.ip}::inet from ending
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from ending)
    returning user_id, auth_version
  )
  select coalesce(known.answer, to_jsonb(created)) as key, known.answer is not null as replayed,
    coalesce(known.fingerprint = ${p.fingerprint}::bytea, true) as is_same, target.permissions,
    coalesce(target.is_within, true) as is_within, coalesce(touched.auth_version, 0) as auth_version,
    case when touched.user_id is not null
      then pg_notify('evenkeel_users', touched.user_id || ':' || touched.auth_version)::text end as told
  from known full join target on true left join created on true left join touched on true`;

/** A page of a user's keys that are not revoked, newest first. Index: api_keys_working. At most `limit` rows. */
export const listKeys = (p: { userId: string; beforeId: string | null; limit: number }) => sql<KeyRow>`
  -- keys.list_keys
  select id, name, prefix, permissions, ip_allowlist, created_at, expires_at, last_used_at
  from api_keys
  where user_id = ${p.userId}::uuid and revoked_at is null and (${p.beforeId}::uuid is null or id < ${p.beforeId}::uuid)
  order by id desc
  limit ${p.limit}::integer`;

/** What to change of a key: nulls leave things as they are, where they are not `set`. */
export interface KeyChange {
  name: string | null;
  permissions: string[] | null;
  setIpAllowlist: boolean;
  ipAllowlist: string[] | null;
  setExpiresAt: boolean;
  expiresAt: Date | null;
}

/**
 * Changes a key, and tells every server so. A change that only narrows is anybody's; after one that adds a permission, a network
 * or life, the key may have no more of each than the caller.
 *
 * One row, or none when there is no such key: `key` is the key as JSON has it, null when it would have more (not `is_within`),
 * or would work again while the user has as many as may be. Index: api_keys_working, api_keys_pkey, users_pkey.
 */
export const updateKey = (p: Actor & KeyChange & { id: string; own: KeyBounds }) => sql<{
  key: unknown;
  /** What it may do after the change. */
  permissions: string[];
  is_within: boolean;
  /** 0 when nothing was changed. */
  auth_version: number;
  told: string | null;
}>`
  -- keys.update_key
  with owner as (
    -- Locked before the key, as by whoever erases the user.
    select user_id from users where user_id = ${p.userId}::uuid for no key update
  ), target as (
    select k.id, k.expires_at is null or k.expires_at > now() as works, wanted.permissions,
      (
        wanted.permissions <@ k.permissions
        and api_key_is_within(wanted.expires_at, wanted.ip_allowlist, k.expires_at, k.ip_allowlist::inet[])
      ) or (
        wanted.permissions <@ ${p.own.permissions}::text[]
        and api_key_is_within(wanted.expires_at, wanted.ip_allowlist, ${p.own.expiresAt}::timestamptz,
          ${p.own.ipAllowlist}::inet[])
      ) as is_within
    from api_keys k, lateral (
      select coalesce(${p.permissions}::text[], k.permissions) as permissions,
        case when ${p.setIpAllowlist} then ${p.ipAllowlist}::text[] else k.ip_allowlist end as ip_allowlist,
        case when ${p.setExpiresAt} then ${p.expiresAt}::timestamptz else k.expires_at end as expires_at
    ) as wanted
    where k.user_id = ${p.userId}::uuid and k.id = ${p.id}::uuid and k.revoked_at is null and exists (select from owner)
    for update of k
  ), allowed as materialized (
    select case
      -- There are as many that work as before.
      when works or not ${p.setExpiresAt} then true
      else api_key_is_allowed(${p.userId}::uuid, ${MAX_KEYS}::integer)
    end as is_allowed
    from target
  ), changed as (
    update api_keys k
    set name = coalesce(${p.name}, k.name), permissions = target.permissions,
      ip_allowlist = case when ${p.setIpAllowlist} then ${p.ipAllowlist}::text[] else k.ip_allowlist end,
      expires_at = case when ${p.setExpiresAt} then ${p.expiresAt}::timestamptz else k.expires_at end,
      planned_expires_at = case when not ${p.setExpiresAt} then k.planned_expires_at end
    from target, allowed
    where k.user_id = ${p.userId}::uuid and k.id = target.id and target.is_within and allowed.is_allowed
    returning k.id, k.name, k.prefix, k.permissions, k.ip_allowlist, k.created_at, k.expires_at, k.last_used_at
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'key.updated', ${p.keyId}::uuid, changed.id, ${p.ip}::inet from changed
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from changed)
    returning user_id, auth_version
  )
  select coalesce(to_jsonb(changed), 'null') as key, target.permissions, target.is_within::boolean as is_within,
    coalesce(touched.auth_version, 0) as auth_version,
    case when touched.user_id is not null
      then pg_notify('evenkeel_users', touched.user_id || ':' || touched.auth_version)::text end as told
  from target left join changed on true left join touched on true`;

/**
 * Revokes a key, and tells every server so. Index: api_keys_working, users_pkey. One row, or none when there is no such key
 * or it was revoked before.
 */
export const revokeKey = (p: Actor & { id: string }) => sql<{ id: string } & UserChange>`
  -- keys.revoke_key
  with owner as (
    -- Locked before the key, as by whoever erases the user.
    select user_id from users where user_id = ${p.userId}::uuid for no key update
  ), revoked as (
    update api_keys set revoked_at = now()
    where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and revoked_at is null and exists (select from owner)
    returning id
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'key.revoked', ${p.keyId}::uuid, revoked.id, ${p.ip}::inet from revoked
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from revoked)
    returning user_id, auth_version
  )
  select id, auth_version, pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told
  from revoked, touched`;

/**
 * Removes keys that have not worked for so many days, because they were revoked or expired; of all users, for the server's
 * own use. Index: api_keys_ended. A row for each, at most `limit`.
 */
export const deleteEndedKeys = (p: { keptDays: number; limit: number }) => sql<{ id: string }>`
  -- keys.delete_ended_keys
  delete from api_keys
  where ctid = any (array(
    select ctid from api_keys
    where least(revoked_at, expires_at) < now() - make_interval(days => ${p.keptDays}::integer)
    order by least(revoked_at, expires_at)
    limit ${p.limit}::integer
    for update skip locked
  ))
  returning id`;

/** When a key was last used, in milliseconds since 1970. */
export interface KeyUse {
  userId: string;
  keyId: string;
  usedAtMs: number;
}

/**
 * Stores when keys were last used. A key that another statement is at is passed over: that is one that another server
 * stores, or that is being changed, and it is stored the next time. Index: api_keys_pkey. At most one row each.
 */
export const recordKeyUses = (rows: readonly KeyUse[]) => sql<{ id: string }>`
  -- keys.record_key_uses
  with used as (
    select k.user_id, k.id, to_timestamp(input.used_at_ms / 1000) as used_at
    from unnest(${rows.map((row) => row.userId)}::uuid[], ${rows.map((row) => row.keyId)}::uuid[],
      ${rows.map((row) => row.usedAtMs)}::float8[]) as input (user_id, id, used_at_ms)
    join api_keys k on k.user_id = input.user_id and k.id = input.id
    where k.last_used_at is null or k.last_used_at < to_timestamp(input.used_at_ms / 1000)
    for update of k skip locked
  )
  update api_keys k set last_used_at = used.used_at
  from used where k.user_id = used.user_id and k.id = used.id
  returning k.id`;

/**
 * Has every server forget a user, for an operator. Index: users_pkey. One row, or none when there is no such user.
 */
export const touchUser = (p: Actor & { targetId: string }) => sql<UserChange>`
  -- keys.touch_user
  with touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.targetId}::uuid
    returning user_id, auth_version
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'cache.cleared', ${p.keyId}::uuid, user_id, ${p.ip}::inet from touched
  )
  select auth_version, pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told from touched`;

/** Has every server forget all users that it read before now, an instant in milliseconds, for an operator. One row. */
export const forgetCallers = (p: Actor) => sql<{ before_ms: number; told: string | null }>`
  -- keys.forget_callers
  with instant as materialized (
    select ceil(extract(epoch from clock_timestamp()) * 1000)::bigint as before_ms
  ), act as (
    insert into activity (user_id, id, kind, key_id, ip)
    values (${p.userId}::uuid, ${p.activityId}::uuid, 'cache.cleared', ${p.keyId}::uuid, ${p.ip}::inet)
  )
  select before_ms, pg_notify('evenkeel_users', '*:' || before_ms)::text as told from instant`;
