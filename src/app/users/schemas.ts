import { type Static, Type } from 'typebox';
import { Cursor, Nullable, PageLimit } from '../../platform/http/index.ts';

const closed = { additionalProperties: false };

/** A user as operators see one. */
export const User = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('user'),
    username: Type.String(),
    email: Nullable(Type.String()),
    plan: Type.String(),
    disabled_at: Nullable(Type.String({ format: 'date-time' })),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'AdminUser' },
);
export type User = Static<typeof User>;

/** The query of `GET /admin/users`. */
export const UserListQuery = Type.Object(
  {
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 254,
        description: 'How the username begins; with an @ in it, the whole e-mail address. In any case.',
      }),
    ),
    limit: PageLimit({ default: 50, maximum: 1000 }),
    cursor: Type.Optional(Cursor),
  },
  closed,
);

export const UserParams = Type.Object({ user_id: Type.String({ format: 'uuid' }) }, closed);

/** The body of `PATCH /admin/users/{user_id}`. */
export const ChangeUser = Type.Object(
  {
    disabled: Type.Optional(
      Type.Boolean({ description: 'Whether all keys, tokens, WebSockets and streams of the user are dead.' }),
    ),
    plan: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
  },
  { ...closed, minProperties: 1, examples: [{ plan: 'pro' }] },
);
