import { type Static, Type } from 'typebox';
import { newId } from '../../base/ids.ts';
import type { Cache } from '../../platform/cache/index.ts';

/** What is cached of a user behind a key, a token or an identity: no secret. */
export type CallerRecord = Static<typeof CallerRecord>;

/** The schema of `CallerRecord`. */
export const CallerRecord = Type.Object(
  {
    userId: Type.String(),
    username: Type.String(),
    plan: Type.String(),
    email: Type.Union([Type.String(), Type.Null()]),
    /** What the client keeps with the account, an object as JSON: parsed it may be twenty times as large. */
    settings: Type.String(),
    /** When the account was made, in RFC 3339. */
    createdAt: Type.String(),
    /** The API key that was sent; null for an access token. */
    keyId: Type.Union([Type.String(), Type.Null()]),
    permissions: Type.Array(Type.String()),
    /** When the key expires, in milliseconds since 1970; null for never, and for an access token. */
    expiresAtMs: Type.Union([Type.Number(), Type.Null()]),
    /** Networks that the key may be used from; null for any. */
    ipAllowlist: Type.Union([Type.Array(Type.String()), Type.Null()]),
    isDisabled: Type.Boolean(),
    /** Sign-ins that were ended while access tokens of them may still be about, the last to begin first. See `isEnded`. */
    endedSignIns: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);

/** The authenticated user of a request, and how it was authenticated. */
export interface Caller extends Readonly<Omit<CallerRecord, 'isDisabled' | 'endedSignIns'>> {
  /** The address that the request came from, as the trusted proxies tell it. */
  readonly ip: string;
}

/** Who does something, as the activity row of this id tells it. */
export interface Actor {
  userId: string;
  /** The key that acts. */
  keyId: string | null;
  ip: string | null;
  activityId: string;
}

/** A caller who does something now. */
export function actorOf({ userId, keyId, ip }: Caller): Actor {
  return { userId, keyId, ip, activityId: newId() };
}

/**
 * The users behind keys, by the key's SHA-256 in hex; behind access tokens, by `user:` and the id; behind identities, by
 * `identity:` and a hash. The tag is the user's id, the version `users.auth_version`.
 */
export type CallerCache = Cache<CallerRecord>;

/** The columns of an account that are cached. */
export interface AccountColumns {
  readonly user_id: string;
  readonly username: string;
  readonly plan: string;
  readonly email: string | null;
  readonly settings: unknown;
  readonly created_at: Date;
  readonly disabled_at: Date | null;
}

/** How the user of a record calls. */
export type CallerAccess = Pick<CallerRecord, 'keyId' | 'permissions' | 'expiresAtMs' | 'ipAllowlist' | 'endedSignIns'>;

/**
 * How many ended sign-ins of a user are known at once: more than anybody ends by hand in the hour in which they matter, and no
 * more than 10 kB of a cached user.
 */
export const MAX_ENDED_SIGN_INS = 200;

/**
 * Whether a sign-in was ended. When so many were that not all are known, each that began before those that are is held for
 * ended, and has to wait or to sign in again: an ended one must not work once more. Ids of sign-ins grow with time.
 */
export function isEnded(signInId: string, { endedSignIns }: Pick<CallerRecord, 'endedSignIns'>): boolean {
  if (endedSignIns.includes(signInId)) return true;
  return endedSignIns.length >= MAX_ENDED_SIGN_INS && signInId < (endedSignIns.at(-1) ?? '');
}

const none: string[] = [];

/** Makes what is cached of a user. Most ended nothing: those share one list. */
export function toCallerRecord(row: AccountColumns, { endedSignIns, ...access }: CallerAccess): CallerRecord {
  return {
    userId: row.user_id,
    username: row.username,
    plan: row.plan,
    email: row.email,
    settings: JSON.stringify(row.settings),
    createdAt: row.created_at.toISOString(),
    isDisabled: row.disabled_at !== null,
    endedSignIns: endedSignIns.length === 0 ? none : endedSignIns,
    ...access,
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; set on every route that is not public. */
    caller: Caller;
  }
}
