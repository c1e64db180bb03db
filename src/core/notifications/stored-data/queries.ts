import { sql } from '../../../platform/postgres/index.ts';
import type { NotificationRow, PreferenceRow } from '../queries.ts';

/** A page of what a user was told, in the app or by mail. Index: notifications_pkey. At most `limit` rows. */
export const exportNotifications = (p: { userId: string; afterId: string; limit: number }) => sql<
  NotificationRow & { in_app: boolean; mailed_at: Date | null }
>`
  -- notifications.export_notifications
  select id, kind, title, body, data, in_app, read_at, mailed_at, created_at from notifications
  where user_id = ${p.userId}::uuid and id > ${p.afterId}::uuid
  order by id
  limit ${p.limit}::integer`;

/** A page of what a user prefers. Index: notification_preferences_pkey. At most `limit` rows. */
export const exportPreferences = (p: { userId: string; afterKind: string; limit: number }) => sql<PreferenceRow>`
  -- notifications.export_preferences
  select kind, in_app, email from notification_preferences
  where user_id = ${p.userId}::uuid and kind > ${p.afterKind}
  order by kind
  limit ${p.limit}::integer`;
