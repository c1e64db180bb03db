import { sql } from '../../platform/postgres/index.ts';

/** A notification as its user sees it. */
export interface NotificationRow {
  id: string;
  kind: string;
  title: string;
  body: string;
  data: unknown;
  read_at: Date | null;
  created_at: Date;
}

/** Where a user wants to be told of a kind. */
export interface PreferenceRow {
  kind: string;
  in_app: boolean;
  email: boolean;
}

interface PageOf {
  userId: string;
  /** Not itself. */
  beforeId: string;
  limit: number;
}

/** A page of a user's notifications, newest first. Index: notifications_pkey. At most `limit` rows. */
export const listNotifications = (p: PageOf) => sql<NotificationRow>`
  -- notifications.list_notifications
  select id, kind, title, body, data, read_at, created_at from notifications
  where user_id = ${p.userId}::uuid and id < ${p.beforeId}::uuid and in_app
  order by id desc
  limit ${p.limit}::integer`;

/** A page of those that a user has not read, newest first. Index: notifications_unread. At most `limit` rows. */
export const listUnread = (p: PageOf) => sql<NotificationRow>`
  -- notifications.list_unread
  select id, kind, title, body, data, read_at, created_at from notifications
  where user_id = ${p.userId}::uuid and id < ${p.beforeId}::uuid and in_app and read_at is null
  order by id desc
  limit ${p.limit}::integer`;

/** Marks a notification as read, unless it is already. Index: notifications_pkey. One row or none. */
export const markRead = (p: { userId: string; id: string }) => sql<NotificationRow>`
  -- notifications.mark_read
  update notifications set read_at = coalesce(read_at, now())
  where user_id = ${p.userId}::uuid and id = ${p.id}::uuid and in_app
  returning id, kind, title, body, data, read_at, created_at`;

/**
 * Marks some of a user's notifications as read, from the oldest on. Index: notifications_unread. One row: how many were not, and
 * the last of the page; null when there are no more after it.
 */
export const markPageRead = (p: { userId: string; afterId: string; limit: number }) => sql<{
  marked: number | null;
  last_id: string | null;
}>`
  -- notifications.mark_page_read
  with page as (
    select id from notifications
    where user_id = ${p.userId}::uuid and in_app and read_at is null and id > ${p.afterId}::uuid
    order by id
    -- A number that the planner does not see: it would sort all of a user who it thinks has few, for each page.
    limit (select ${p.limit}::integer)
  ), last as materialized (
    select id from page order by id desc limit 1
  ), marked as (
    update notifications set read_at = now()
    where user_id = ${p.userId}::uuid and in_app and read_at is null and id > ${p.afterId}::uuid
      and id <= (select id from last)
    returning id
  )
  select (select count(*)::integer from marked) as marked,
    (select id from last where (select count(*) from page) = ${p.limit}::integer) as last_id`;

/** What a user prefers, of the kinds where that was said. Index: notification_preferences_pkey. A row for each kind. */
export const listPreferences = (p: { userId: string }) => sql<PreferenceRow>`
  -- notifications.list_preferences
  select kind, in_app, email from notification_preferences where user_id = ${p.userId}::uuid`;

/**
 * Puts a user's preferences in place of all earlier ones: it is given every kind, always in the same order, so that of
 * several at once the last one wins as a whole. Index: notification_preferences_pkey. One row: how many.
 */
export const putPreferences = (p: { userId: string; kinds: string[]; inApp: boolean[]; email: boolean[] }) => sql<{
  stored: number;
}>`
  -- notifications.put_preferences
  with stored as (
    insert into notification_preferences (user_id, kind, in_app, email)
    select ${p.userId}::uuid, input.kind, input.in_app, input.email
    from unnest(${p.kinds}::text[], ${p.inApp}::boolean[], ${p.email}::boolean[]) as input (kind, in_app, email)
    on conflict (user_id, kind) do update set in_app = excluded.in_app, email = excluded.email
    returning kind
  )
  select count(*)::integer as stored from stored`;

/** Tells a user of something, in the way that user prefers, once for an id. One row: the id, null when it told nothing. */
export const notify = (p: { userId: string; id: string; kind: string; title: string; body: string }) => sql<{
  id: string | null;
}>`
  -- notifications.notify
  select notify_user(
    ${p.userId}::uuid, ${p.id}::uuid, ${p.kind}::text, ${p.title}::text, ${p.body}::text, '{}'::jsonb
  )::text as id`;

/**
 * A notification that is still to be mailed, with the verified address it goes to; not of a kind to which the user has said
 * no since, nor to one who is disabled. Indexes: notifications_pkey, users_pkey, notification_preferences_pkey. One row or none.
 */
export const findMail = (p: { userId: string; id: string }) => sql<{
  title: string;
  body: string;
  email: string | null;
}>`
  -- notifications.find_mail
  select n.title, n.body, u.email
  from notifications n
  join users u on u.user_id = n.user_id
  left join notification_preferences p on p.user_id = n.user_id and p.kind = n.kind
  where n.user_id = ${p.userId}::uuid and n.id = ${p.id}::uuid and n.mailed_at is null and u.email_verified
    and u.disabled_at is null and coalesce(p.email, true)`;

/** Says that a notification was mailed. Index: notifications_pkey. One row or none. */
export const markMailed = (p: { userId: string; id: string }) => sql<{ id: string }>`
  -- notifications.mark_mailed
  update notifications set mailed_at = now() where user_id = ${p.userId}::uuid and id = ${p.id}::uuid returning id`;
