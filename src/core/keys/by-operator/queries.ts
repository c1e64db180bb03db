import { sql } from '../../../platform/postgres/index.ts';

/** Any one user. Index: users_pkey. One row or none. */
export const findAnyUser = () => sql<{ user_id: string }>`
  -- keys.find_any_user
  select user_id from users order by user_id limit 1`;

/** A user with a first key. */
export interface NewUserWithKey {
  userId: string;
  username: string;
  plan: string;
  id: string;
  hash: Buffer;
  prefix: string;
  name: string;
  activityId: string;
}

/**
 * Creates users, each with a first key; one whose name is taken is left out and gets no row. All keys get the same
 * permissions. Index: users_username_key. At most one row each.
 */
export const insertUsersWithKeys = (p: { users: readonly NewUserWithKey[]; permissions: string[] }) => sql<{
  user_id: string;
}>`
  -- keys.insert_users_with_keys
  with input as (
    select * from unnest(
      ${p.users.map((user) => user.userId)}::uuid[], ${p.users.map((user) => user.username)}::text[],
      ${p.users.map((user) => user.plan)}::text[], ${p.users.map((user) => user.id)}::uuid[],
      ${p.users.map((user) => user.hash)}::bytea[], ${p.users.map((user) => user.prefix)}::text[],
      ${p.users.map((user) => user.name)}::text[], ${p.users.map((user) => user.activityId)}::uuid[]
    ) as input (user_id, username, plan, id, hash, prefix, name, activity_id)
  ), new_user as (
    insert into users (user_id, username, plan)
    select user_id, username, plan from input
    on conflict (username) do nothing
    returning user_id
  ), made as (
    select input.* from input join new_user on new_user.user_id = input.user_id
  ), new_key as (
    insert into api_keys (user_id, id, hash, prefix, name, permissions)
    select user_id, id, hash, prefix, name, ${p.permissions}::text[] from made
  ), act as (
    insert into activity (user_id, id, kind, subject_id)
    select user_id, activity_id, 'user.created', user_id from made
  )
  select user_id from new_user`;

/** The user of a name, and whether disabled, but not to be erased. Index: users_username_key. One row or none. */
export const findUserByName = (p: { username: string }) => sql<{ user_id: string; is_disabled: boolean }>`
  -- keys.find_user_by_name
  select user_id, disabled_at is not null and username is distinct from erased_username(user_id) as is_disabled
  from users where username = ${p.username}`;
