import { sql } from '../../platform/postgres/index.ts';

/** A key as its owner sees it. */
export interface KeyRow {
  id: string;
  name: string;
  prefix: string;
  permissions: string[];
  created_at: Date;
  expires_at: Date | null;
}

/** What a change of what a user may do led to; `told` says that the other servers are told when it commits. */
interface UserChange {
  auth_version: number;
  told: string | null;
}

interface Actor {
  userId: string;
  /** The key that acts. */
  keyId: string | null;
  ip: string | null;
  /** The id of the activity row. */
  activityId: string;
}

/**
 * The user behind each key hash, and when this was read by the database's clock, in milliseconds. Index:
 * api_keys_hash_key, users_pkey. At most one row a hash.
 */
export const findCallers = (rows: readonly { hash: Buffer }[]) => sql<{
  i: number | null;
  user_id: string;
  key_id: string;
  hash: Buffer;
  permissions: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
  username: string;
  plan: string;
  created_at: Date;
  disabled_at: Date | null;
  auth_version: number;
  loaded_at_ms: number;
}>`
  -- keys.find_callers
  select input.i::integer as i, k.user_id, k.id as key_id, k.hash, k.permissions, k.expires_at, k.revoked_at,
    u.username, u.plan, u.created_at, u.disabled_at, u.auth_version,
    -- The transaction began no later than it saw what it reads.
    floor(extract(epoch from now()) * 1000)::float8 as loaded_at_ms
  from unnest(${rows.map((row) => row.hash)}::bytea[]) with ordinality as input (hash, i)
  join api_keys k on k.hash = input.hash
  join users u on u.user_id = k.user_id`;

/** Stores a key and the activity of its making. One row. */
export const insertKey = (
  p: Actor & { id: string; hash: Buffer; prefix: string; name: string; permissions: string[]; expiresAt: Date | null },
) => sql<{ created_at: Date }>`
  -- keys.insert_key
  with act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    values (${p.userId}::uuid, ${p.activityId}::uuid, 'key.created', ${p.keyId}::uuid, ${p.id}::uuid, ${p.ip}::inet)
  )
  insert into api_keys (user_id, id, hash, prefix, name, permissions, expires_at)
  values (${p.userId}::uuid, ${p.id}::uuid, ${p.hash}::bytea, ${p.prefix}, ${p.name}, ${p.permissions}::text[],
    ${p.expiresAt}::timestamptz)
  returning created_at`;

/** A page of a user's keys that are not revoked, newest first. Index: api_keys_pkey. At most `limit` rows. */
export const listKeys = (p: { userId: string; beforeId: string | null; limit: number }) => sql<KeyRow>`
  -- keys.list_keys
  select id, name, prefix, permissions, created_at, expires_at
  from api_keys
  where user_id = ${p.userId}::uuid and revoked_at is null and (${p.beforeId}::uuid is null or id < ${p.beforeId}::uuid)
  order by id desc
  limit ${p.limit}::integer`;

/**
 * Renames a key or changes its permissions, and tells every server so; nulls leave things as they are. Index:
 * api_keys_pkey, users_pkey. One row or none.
 */
export const updateKey = (p: Actor & { id: string; name: string | null; permissions: string[] | null }) => sql<
  KeyRow & UserChange
>`
  -- keys.update_key
  with changed as (
    update api_keys
    set name = coalesce(${p.name}, name), permissions = coalesce(${p.permissions}::text[], permissions)
    where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and revoked_at is null
    returning id, name, prefix, permissions, created_at, expires_at
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'key.updated', ${p.keyId}::uuid, changed.id, ${p.ip}::inet from changed
  ), touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid and exists (select from changed)
    returning user_id, auth_version
  )
  select id, name, prefix, permissions, created_at, expires_at, auth_version,
    pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told
  from changed, touched`;

/**
 * Revokes a key, and tells every server so. Index: api_keys_pkey, users_pkey. One row, or none when there is no such key
 * or it was revoked before.
 */
export const revokeKey = (p: Actor & { id: string }) => sql<{ id: string } & UserChange>`
  -- keys.revoke_key
  with revoked as (
    update api_keys set revoked_at = now()
    where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and revoked_at is null
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

/** Has every server forget what it knows of a user. Index: users_pkey. One row or none. */
export const touchUser = (p: { userId: string }) => sql<UserChange>`
  -- keys.touch_user
  with touched as (
    update users set auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid
    returning user_id, auth_version
  )
  select auth_version, pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told from touched`;

/** Has every server forget all users that it read before now, an instant in milliseconds. Touches no table. One row. */
export const forgetCallers = () => sql<{ before_ms: number; told: string | null }>`
  -- keys.forget_callers
  with instant as materialized (select ceil(extract(epoch from clock_timestamp()) * 1000)::bigint as before_ms)
  select before_ms, pg_notify('evenkeel_users', '*:' || before_ms)::text as told from instant`;

/** Any one user. Index: users_pkey. One row or none. */
export const findAnyUser = () => sql<{ user_id: string }>`
  -- keys.find_any_user
  select user_id from users order by user_id limit 1`;

/** Creates a user with a first key, unless the name is taken: then no row. Index: users_username_key. */
export const insertUserWithKey = (
  p: Omit<Actor, 'keyId' | 'ip'> & {
    username: string;
    plan: string;
    id: string;
    hash: Buffer;
    prefix: string;
    name: string;
    permissions: string[];
  },
) => sql<{ user_id: string }>`
  -- keys.insert_user_with_key
  with new_user as (
    insert into users (user_id, username, plan)
    values (${p.userId}::uuid, ${p.username}, ${p.plan})
    on conflict (username) do nothing
    returning user_id
  ), new_key as (
    insert into api_keys (user_id, id, hash, prefix, name, permissions)
    select user_id, ${p.id}::uuid, ${p.hash}::bytea, ${p.prefix}, ${p.name}, ${p.permissions}::text[] from new_user
  ), act as (
    insert into activity (user_id, id, kind, subject_id)
    select user_id, ${p.activityId}::uuid, 'user.created', user_id from new_user
  )
  select user_id from new_user`;

/** The user of a name. Index: users_username_key. One row or none. */
export const findUserByName = (p: { username: string }) => sql<{ user_id: string }>`
  -- keys.find_user_by_name
  select user_id from users where username = ${p.username}`;
