import { sql } from '../../platform/postgres/index.ts';

/** Who changes a plan, and the id of the activity row. */
interface Actor {
  userId: string;
  keyId: string | null;
  ip: string | null;
  activityId: string;
}

/** Puts a user on a plan, and tells every server so. Index: users_pkey. One row or none. */
export const updatePlan = (p: Actor & { plan: string }) => sql<{ auth_version: number; told: string | null }>`
  -- plans.update_plan
  with changed as (
    update users set plan = ${p.plan}, auth_version = auth_version + 1
    where user_id = ${p.userId}::uuid
    returning user_id, auth_version
  ), act as (
    insert into activity (user_id, id, kind, key_id, subject_id, ip)
    select user_id, ${p.activityId}::uuid, 'plan.changed', ${p.keyId}::uuid, user_id, ${p.ip}::inet from changed
  )
  select auth_version, pg_notify('evenkeel_users', user_id || ':' || auth_version)::text as told from changed`;
