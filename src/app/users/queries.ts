import type { Actor } from '../../core/accounts/index.ts';
import { sql } from '../../platform/postgres/index.ts';

/** A user as operators see one. */
export interface UserRow {
  id: string;
  username: string;
  email: string | null;
  plan: string;
  disabled_at: Date | null;
  created_at: Date;
}

/**
 * A page of the users whose names begin in some way, by name, without those who are being erased; for operators. Index:
 * users_name_start. At most `limit` rows.
 */
export const listUsers = (p: { start: string; afterName: string; limit: number }) => sql<UserRow>`
  -- users.list_users
  select user_id as id, username, email, plan, disabled_at, created_at from users
  where username collate "C" >= ${p.start} and username collate "C" < ${p.start} || chr(1114111)
    and username collate "C" > ${p.afterName} and username <> erased_username(user_id)
  order by username collate "C"
  limit ${p.limit}::integer`;

/** A page of the users with an e-mail address, by id; for operators. Index: users_email. At most `limit` rows. */
export const listUsersByEmail = (p: { email: string; afterId: string; limit: number }) => sql<UserRow>`
  -- users.list_users_by_email
  select user_id as id, username, email, plan, disabled_at, created_at from users
  where lower(email) = lower(${p.email}) and user_id > ${p.afterId}::uuid
  order by user_id
  limit ${p.limit}::integer`;

/** What an operator does to a user; nulls leave things as they are. */
export interface UserChange extends Actor {
  targetId: string;
  disabled: boolean | null;
  plan: string | null;
  /** Of the activity of the user, who is not told by whom or from where it was done. */
  disabledActivityId: string;
  planActivityId: string;
}

/**
 * Disables or enables a user, or changes the plan, and tells every server so. Index: users_pkey. One row, or none when there is
 * no such user, or one who is being erased.
 */
export const changeUser = (p: UserChange) => sql<UserRow & { auth_version: number; told: string | null }>`
  -- users.change_user
  with before as (
    select user_id, disabled_at, plan from users
    where user_id = ${p.targetId}::uuid and username <> erased_username(user_id)
    for update
  ), changed as (
    update users u set
      disabled_at = case when ${p.disabled}::boolean then coalesce(u.disabled_at, now())
        when not ${p.disabled}::boolean then null else u.disabled_at end,
      plan = coalesce(${p.plan}, u.plan),
      auth_version = u.auth_version + 1
    from before where u.user_id = before.user_id
    returning u.user_id, u.username, u.email, u.plan, u.disabled_at, u.created_at, u.auth_version
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select ${p.userId}::uuid, ${p.activityId}::uuid, 'user.administered', ${p.keyId}::uuid, user_id, ${p.ip}::inet
    from changed
    union all
    select c.user_id, ${p.disabledActivityId}::uuid,
      case when c.disabled_at is null then 'user.enabled' else 'user.disabled' end, null, c.user_id, null
    from changed c join before using (user_id) where (c.disabled_at is null) <> (before.disabled_at is null)
    union all
    select c.user_id, ${p.planActivityId}::uuid, 'plan.changed', null, c.user_id, null
    from changed c join before using (user_id) where c.plan <> before.plan
  )
  select user_id as id, username, email, plan, disabled_at, created_at, auth_version,
    pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told
  from changed`;
