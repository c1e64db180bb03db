import { sql } from '../../platform/postgres/index.ts';

/** Something that was done, as stored. */
export interface ActivityRow {
  id: string;
  kind: string;
  key_id: string | null;
  subject_id: string | null;
  ip: string | null;
}

/** What to list: ids stand for times, for they begin with theirs. */
export interface ActivityQuery {
  userId: string;
  kind: string | null;
  fromId: string;
  /** Not itself. */
  beforeId: string;
  limit: number;
}

/**
 * A page of what was done in the name of a user, newest first; of a kind, for those of which a trail is full: it is read
 * until the page is. The conditions are put so that Postgres expects much to be found, and reads the page in the order of
 * the index: if it expected little, it would sort the whole trail. Index: activity_pkey. At most `limit` rows.
 */
export const listActivity = (p: ActivityQuery) => sql<ActivityRow>`
  -- activity.list_activity
  select id, kind, key_id, subject_id, host(ip) as ip
  from activity
  where user_id = ${p.userId}::uuid and (user_id, id) >= (${p.userId}::uuid, ${p.fromId}::uuid) and id < ${p.beforeId}::uuid
    and nullif(${p.kind}, kind) is distinct from coalesce(${p.kind}, '')
  order by id desc
  limit ${p.limit}::integer`;

/**
 * The same of a kind that is none of `frequentKinds`: however long the trail, nothing else of it is read. Index:
 * activity_rare_kinds. At most `limit` rows.
 */
export const listRareActivity = (p: ActivityQuery & { kind: string }) => sql<ActivityRow>`
  -- activity.list_rare_activity
  select id, kind, key_id, subject_id, host(ip) as ip
  from activity
  where user_id = ${p.userId}::uuid and id >= ${p.fromId}::uuid and id < ${p.beforeId}::uuid
    and kind = ${p.kind}::text and kind not in ('turn.started', 'turn.completed', 'session.created')
  order by id desc
  limit ${p.limit}::integer`;

/**
 * Makes the monthly partitions that are missing, this month's and those of the months to come, and moves in what waits for
 * them. A month of which more than ten thousand rows wait gets none. One row.
 */
export const makePartitions = (p: { monthsAhead: number }) => sql<{ made: number | null }>`
  -- activity.make_partitions
  select activity_make_partitions(${p.monthsAhead}::integer)::integer as made`;

/**
 * Drops what is older than so many days, by whole months; of what is in no month's partition, ten thousand rows at most.
 * One row: how many partitions and such rows went.
 */
export const dropOldActivity = (p: { keepDays: number }) => sql<{ dropped: number | null }>`
  -- activity.drop_old_activity
  select activity_drop_old(${p.keepDays}::integer)::integer as dropped`;
