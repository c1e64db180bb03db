import { type Static, Type } from 'typebox';
import { Nullable } from '../../platform/http/index.ts';
import { USERNAME_PATTERN, USERNAME_RULE } from './sign-in/username.ts';

const closed = { additionalProperties: false };

/** The longest token of a provider that is read, in characters. */
const TOKEN_CHARS = 16_384;

/** A name that a user may have, or choose. */
export const Username = Type.String({ pattern: USERNAME_PATTERN, description: USERNAME_RULE });

/** The account of the caller. */
export const Account = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('user'),
    username: Type.String(),
    email: Nullable(Type.String()),
    plan: Type.String(),
    settings: Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', additionalProperties: true }),
    created_at: Type.String({ format: 'date-time' }),
  },
  { title: 'User' },
);

export type Account = Static<typeof Account>;

/** The body of `PATCH /v1/me`. */
export const UpdateAccount = Type.Object(
  {
    username: Type.Optional(Username),
    email: Type.Optional(
      Nullable(
        Type.String({
          format: 'email',
          maxLength: 254,
          description: 'A new one is not verified: nothing is mailed to it.',
        }),
      ),
    ),
    settings: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        additionalProperties: true,
        description:
          'Whatever the client keeps with the account, up to 8 kB of JSON. Takes the place of all that was there.',
      }),
    ),
  },
  { ...closed, minProperties: 1, examples: [{ settings: { theme: 'dark' } }] },
);

export type UpdateAccount = Static<typeof UpdateAccount>;

/** The query of `DELETE /v1/me`: a body has no meaning there, and some proxies drop it. */
export const EraseAccount = Type.Object(
  {
    confirm: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Your username, so that nothing goes by mistake.',
    }),
  },
  closed,
);

/** What `DELETE /v1/me` answers. */
export const ErasedAccount = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    object: Type.Literal('user'),
    deleted: Type.Literal(true),
  },
  { title: 'DeletedUser' },
);

/** The body of `POST /api/auth`. */
export const SignInBody = Type.Object(
  {
    token: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: TOKEN_CHARS,
        description: 'The token of the identity provider; it may come as `Authorization: Bearer` instead.',
      }),
    ),
    // Null is what pages have for what an address does not say.
    username: Type.Optional(Nullable(Username)),
    referral_code: Type.Optional(
      Nullable(Type.String({ minLength: 1, maxLength: 64, description: 'Of the user who referred a new one.' })),
    ),
  },
  { ...closed, examples: [{ token: 'the one of the identity provider' }] },
);

const tokens = {
  access_token: Type.String({ description: 'Sent as `Authorization: Bearer`, as a key is.' }),
  refresh_token: Type.String({ description: 'Good for one refresh.' }),
  expires_in: Type.Integer({ description: 'Life of the access token in seconds.' }),
};

/** A new pair of tokens. */
export const TokenPair = Type.Object(tokens, { title: 'TokenPair' });
export type TokenPair = Static<typeof TokenPair>;

/** The answer to a sign-in. */
export const SignedIn = Type.Object(
  {
    user: Account,
    is_new_user: Type.Boolean(),
    ...tokens,
    api_key: Type.Optional(
      Type.String({ description: 'The first API key of a new user. It is shown this once; only its hash is stored.' }),
    ),
  },
  { title: 'SignedIn' },
);

const RefreshToken = Type.String({ minLength: 1, maxLength: TOKEN_CHARS });

/** The body of `POST /api/auth/refresh`. */
export const RefreshBody = Type.Object(
  { refresh_token: RefreshToken },
  { ...closed, examples: [{ refresh_token: 'the one of the last answer' }] },
);

/** The body of `POST /api/auth/logout`. */
export const LogoutBody = Type.Object(
  { refresh_token: Type.Optional(RefreshToken) },
  { ...closed, examples: [{ refresh_token: 'the one of the last answer' }] },
);
