import type { HttpServer } from '../../platform/http/index.ts';
import { type NotificationKind, notificationKinds } from './kinds.ts';
import { listPreferences, putPreferences } from './queries.ts';
import type { NotificationRouteOptions } from './routes.ts';
import { type Channels, Preferences, PutPreferences } from './schemas.ts';

const tags = ['Notifications'];
const PATH = '/v1/notifications/preferences';
const both: Channels = { in_app: true, email: true };
const kinds = Object.keys(notificationKinds) as NotificationKind[];

/** All kinds, with what was said of some. */
function toPreferences(said: ReadonlyMap<string, Channels>) {
  const preferences = Object.fromEntries(kinds.map((kind) => [kind, said.get(kind) ?? both]));
  return {
    object: 'notification_preferences' as const,
    preferences: preferences as Record<NotificationKind, Channels>,
  };
}

/** Registers `GET` and `PUT /v1/notifications/preferences`. */
export function registerPreferenceRoutes(server: HttpServer, { database }: NotificationRouteOptions): void {
  server.get(
    PATH,
    {
      config: { access: 'account:read' },
      schema: {
        tags,
        operationId: 'readNotificationPreferences',
        summary: 'Where you are told of what',
        response: { 200: Preferences },
      },
    },
    async ({ caller: { userId }, context }) => {
      const rows = await database.query(listPreferences({ userId }), context);
      return toPreferences(new Map(rows.map((row) => [row.kind, row])));
    },
  );

  server.put(
    PATH,
    {
      config: { access: 'account:write' },
      schema: {
        tags,
        operationId: 'setNotificationPreferences',
        summary: 'Say where you want to be told of what',
        body: PutPreferences,
        response: { 200: Preferences },
      },
    },
    async ({ body, caller: { userId }, context }) => {
      const answer = toPreferences(new Map(Object.entries(body.preferences)));
      const channels = kinds.map((kind) => answer.preferences[kind]);
      const statement = putPreferences({
        userId,
        kinds,
        inApp: channels.map(({ in_app: inApp }) => inApp),
        email: channels.map(({ email }) => email),
      });
      await database.query(statement, context);
      return answer;
    },
  );
}
