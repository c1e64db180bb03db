import type { CallContext } from '../../base/call-context.ts';
import { FIRST_ID, LAST_ID } from '../../base/ids.ts';
import { decodeCursor, encodeCursor, type HttpServer, ListOf, placePart, toPage } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { claimAndAnswer } from '../accounts/index.ts';
import { notificationErrors } from './errors.ts';
import { listNotifications, listUnread, markPageRead, markRead, type NotificationRow } from './queries.ts';
import { MarkedRead, Notification, NotificationListQuery, NotificationParams } from './schemas.ts';

/** What the routes of notifications need. */
export interface NotificationRouteOptions {
  readonly database: Database;
}

const tags = ['Notifications'];

/** Notifications that a statement marks as read, in less than a tenth of a second. A hundred thousand at once take nearly one. */
const MARKED_AT_ONCE = 5_000;

function toNotification({ read_at: readAt, created_at: createdAt, ...fields }: NotificationRow): Notification {
  return {
    ...fields,
    object: 'notification',
    read_at: readAt?.toISOString() ?? null,
    created_at: createdAt.toISOString(),
  };
}

/** Marks all of a user's notifications as read; answers how many were not. */
async function markAllRead({ database }: NotificationRouteOptions, userId: string, context: CallContext) {
  let count = 0;
  for (let afterId: string | null = FIRST_ID; afterId !== null; ) {
    const statement = markPageRead({ userId, afterId, limit: MARKED_AT_ONCE });
    const [row]: { marked: number | null; last_id: string | null }[] = await database.query(statement, context);
    count += row?.marked ?? 0;
    afterId = row?.last_id ?? null;
  }
  return count;
}

/** Registers `/v1/notifications` and what marks them as read. */
export function registerNotificationRoutes(server: HttpServer, { database }: NotificationRouteOptions): void {
  server.describeTag('Notifications', 'What you were told, in the app and by mail, and what you want to be told of.');
  server.get(
    '/v1/notifications',
    {
      config: { access: 'account:read' },
      schema: {
        tags,
        operationId: 'listNotifications',
        summary: 'List what you were told',
        description: 'Newest first.',
        querystring: NotificationListQuery,
        response: { 200: ListOf(Notification) },
      },
    },
    async ({ query: { unread = false, limit, cursor }, caller: { userId }, context }) => {
      const scope = `notifications ${userId} ${unread}`;
      const [beforeId = LAST_ID] = decodeCursor(scope, cursor, [placePart.id]);
      const statement = unread ? listUnread : listNotifications;
      const rows = await database.query(statement({ userId, beforeId, limit: limit + 1 }), context);
      return toPage(rows, limit, { item: toNotification, cursor: (row) => encodeCursor(scope, [row.id]) });
    },
  );

  server.post(
    '/v1/notifications/:notification_id/read',
    {
      config: { access: 'account:write' },
      schema: {
        tags,
        operationId: 'markNotificationRead',
        summary: 'Mark a notification as read',
        params: NotificationParams,
        response: { 200: Notification },
      },
    },
    async (request, reply) => {
      const { params, caller, context } = request;
      return await claimAndAnswer({ request, reply, database }, async () => {
        const statement = markRead({ userId: caller.userId, id: params.notification_id });
        const [row] = await database.query(statement, context);
        if (row === undefined) throw notificationErrors.raise.not_found();
        return toNotification(row);
      });
    },
  );

  server.post(
    '/v1/notifications/read-all',
    {
      config: { access: 'account:write' },
      schema: {
        tags,
        operationId: 'markAllNotificationsRead',
        summary: 'Mark all notifications as read',
        response: { 200: MarkedRead },
      },
    },
    async (request, reply) =>
      await claimAndAnswer({ request, reply, database }, async () => {
        const count = await markAllRead({ database }, request.caller.userId, request.context);
        return { object: 'notifications.marked_read' as const, count };
      }),
  );
}
