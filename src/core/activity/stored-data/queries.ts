import { sql } from '../../../platform/postgres/index.ts';
import type { ActivityRow } from '../queries.ts';

/** A page of what was done in the name of a user, oldest first. Index: activity_pkey. At most `limit` rows. */
export const exportActivity = (p: { userId: string; afterId: string; limit: number }) => sql<
  ActivityRow & { created_at: Date }
>`
  -- activity.export_activity
  select id, kind, key_id, subject_id, host(ip) as ip, created_at from activity
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;

/** Erases some of a user's activity. Index: activity_pkey. A row for each, at most `limit`. */
export const eraseActivity = (p: { userId: string; limit: number }) => sql<{ id: string }>`
  -- activity.erase_activity
  delete from activity
  where user_id = ${p.userId}::uuid and id = any (array(
    -- A number that the planner does not see: it would sort all rows of a user who it thinks has few, for each page.
    select id from activity where user_id = ${p.userId}::uuid order by id
    limit (select ${p.limit}::integer)
  ))
  returning id`;
