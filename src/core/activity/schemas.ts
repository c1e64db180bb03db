import { type Static, Type } from 'typebox';
import { Cursor, Nullable, PageLimit } from '../../platform/http/index.ts';
import { type ActivityKind, activityKinds } from './kinds.ts';

const kindList = Object.entries(activityKinds).map(([kind, sentence]) => `- \`${kind}\`: ${sentence}`);

const Kind = Type.Unsafe<ActivityKind>(
  Type.String({ enum: Object.keys(activityKinds), description: `What was done:\n${kindList.join('\n')}` }),
);

/** Something that was done in the name of a user. */
export const Activity = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('activity'),
    kind: Type.String(),
    key_id: Nullable(Type.String({ format: 'uuid', description: 'The API key that acted, if one did.' })),
    subject_id: Nullable(Type.String({ format: 'uuid', description: 'What was acted on: a key, a session, a turn.' })),
    ip: Nullable(Type.String({ description: 'The address that the request came from.' })),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'Activity' },
);

/** The query of `GET /v1/activity`. */
export const ActivityListQuery = Type.Object(
  {
    kind: Type.Optional(Kind),
    from: Type.Optional(Type.String({ format: 'date-time', description: 'Only what was done at this time or later.' })),
    to: Type.Optional(Type.String({ format: 'date-time', description: 'Only what was done before this time.' })),
    limit: PageLimit({ default: 50, maximum: 1000 }),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

export type Activity = Static<typeof Activity>;
