import { type Static, Type } from 'typebox';
import { Cursor, Nullable, PageLimit } from '../../platform/http/index.ts';
import { type NotificationKind, notificationKinds } from './kinds.ts';

const kindList = Object.entries(notificationKinds).map(([kind, sentence]) => `- \`${kind}\`: ${sentence}`);

/** Something that a user was told. */
export const Notification = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('notification'),
    kind: Type.String({ description: `What it is about:\n${kindList.join('\n')}` }),
    title: Type.String(),
    body: Type.String(),
    data: Type.Unknown({ description: 'What a client may link to: ids, by what they are of.' }),
    read_at: Nullable(Type.String({ format: 'date-time' })),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'Notification' },
);
export type Notification = Static<typeof Notification>;

/** The query of `GET /v1/notifications`. */
export const NotificationListQuery = Type.Object(
  {
    unread: Type.Optional(Type.Boolean({ description: 'Only those that were not read.' })),
    limit: PageLimit({ default: 50, maximum: 1000 }),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

export const NotificationParams = Type.Object(
  { notification_id: Type.String({ format: 'uuid' }) },
  { additionalProperties: false },
);

/** What `POST /v1/notifications/read-all` answers. */
export const MarkedRead = Type.Object(
  {
    object: Type.Literal('notifications.marked_read'),
    count: Type.Integer({ description: 'How many had not been read.' }),
  },
  { title: 'MarkedNotifications' },
);

const Channels = Type.Object(
  {
    in_app: Type.Boolean({ description: 'Whether it is listed.' }),
    email: Type.Boolean({ description: 'Whether it is sent to your verified e-mail address.' }),
  },
  { additionalProperties: false, title: 'NotificationChannels' },
);
export type Channels = Static<typeof Channels>;

const eachKind = <Value>(value: Value) =>
  Object.fromEntries(Object.keys(notificationKinds).map((kind) => [kind, value])) as Record<NotificationKind, Value>;

/** Where a user wants to be told of what. */
export const Preferences = Type.Object(
  {
    object: Type.Literal('notification_preferences'),
    preferences: Type.Object(eachKind(Channels)),
  },
  { title: 'NotificationPreferences' },
);

/** The body of `PUT /v1/notifications/preferences`. */
export const PutPreferences = Type.Object(
  {
    preferences: Type.Object(eachKind(Type.Optional(Channels)), {
      additionalProperties: false,
      description: 'By kind. A kind that is left out is told of in both ways.',
    }),
  },
  { additionalProperties: false, examples: [{ preferences: { welcome: { in_app: true, email: false } } }] },
);
