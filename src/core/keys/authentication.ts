import type { FastifyRequest } from 'fastify';
import type { CallContext } from '../../base/call-context.ts';
import type { Clock } from '../../base/time.ts';
import {
  type Caller,
  type CallerCache,
  type CallerRecord,
  isEnded,
  NO_TOKEN_OF_OURS,
  readBearer,
  signInErrors,
  type Tokens,
} from '../accounts/index.ts';
import { userKey } from './caller-cache.ts';
import { authErrors, keyErrors } from './errors.ts';
import { isAllowedFrom } from './ip-allowlist.ts';
import type { KeyUses } from './key-uses.ts';
import { hashSecretHex, isWellFormedSecret } from './secret.ts';

/** What authentication needs. */
export interface AuthenticationOptions {
  readonly callers: CallerCache;
  readonly tokens: Tokens;
  readonly clock: Clock;
  /** Is told of each use of a key. */
  readonly uses: Pick<KeyUses, 'note'>;
}

/** Where a call comes from, and how long it may take to find out who is calling. */
export interface Call {
  readonly ip: string;
  readonly context: CallContext;
  /** Whether the key counts as used now: yes, when absent. */
  readonly isUse?: boolean;
}

/** Finds out who is calling and what they may do. */
export interface Authentication {
  /**
   * Sets `request.caller` from the API key in `Authorization: Bearer` or, without one, `x-api-key`, or from the access token
   * in the former; from a key at once where the caller is known. A key with a wrong checksum is refused without a query.
   * @throws AppError 401 `auth.*` for a missing, wrong, revoked or expired key or token; 503 when the database cannot
   *   tell; 403 `keys.ip_not_allowed`.
   */
  authenticate(request: FastifyRequest): Promise<void> | undefined;
  /**
   * Who calls with this API key or access token, at once where it can: for calls that are no request of their own.
   * @throws AppError as `authenticate`.
   */
  identify(secret: string, call: Call): Caller | Promise<Caller>;
  /** @throws AppError 403 `keys.permission_missing` when the caller lacks the permission. */
  authorize(request: { readonly caller: Caller }, permission: string): void;
}

/** How every JWT begins: `{"` in base64url. */
const TOKEN_START = 'eyJ';

/**
 * What of a request's headers says who is calling; undefined when nothing does. An `Authorization` that is no Bearer is for
 * somebody else, such as a proxy.
 * @throws AppError 401 `auth.invalid_key` for an access token where only a key belongs.
 */
export function readCredential({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const { 'x-api-key': header } = headers;
  const bearer = readBearer(headers);
  if (bearer !== undefined) return bearer;
  if (typeof header !== 'string') return undefined;
  if (header.startsWith(TOKEN_START)) throw authErrors.raise.invalid_key();
  return header;
}

/** Who is calling, from what the cache knows. Expiry is looked at each time: keys expire while they are in there. */
function accept(
  found: CallerRecord | undefined,
  { ip, isUse = true }: Call,
  { clock, uses }: AuthenticationOptions,
): Caller {
  if (found === undefined) throw authErrors.raise.invalid_key();
  const { userId, username, plan, email, settings, createdAt, keyId, permissions, expiresAtMs, ipAllowlist } = found;
  if (expiresAtMs !== null && expiresAtMs <= clock.now().getTime()) throw authErrors.raise.expired_key();
  if (found.isDisabled) throw signInErrors.raise.user_disabled();
  if (ipAllowlist !== null && !isAllowedFrom(ipAllowlist, ip)) throw keyErrors.raise.ip_not_allowed();
  if (keyId !== null && isUse) uses.note(userId, keyId);
  return { userId, username, plan, email, settings, createdAt, keyId, permissions, expiresAtMs, ipAllowlist, ip };
}

/** Makes the authentication of a server. A caller who is in the cache costs no statement, and by a key no waiting. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { callers, tokens, clock } = options;
  const identifyToken = async (token: string, call: Call): Promise<Caller> => {
    const { userId, signInId } = await tokens.verifyAccess(token);
    const found = await callers.get(userKey(userId), call.context);
    if (found === undefined) throw signInErrors.raise.invalid_token({ why: NO_TOKEN_OF_OURS });
    if (isEnded(signInId, found)) throw signInErrors.raise.signed_out();
    return accept(found, call, options);
  };

  const identifyKey = (secret: string, call: Call): Caller | Promise<Caller> => {
    const key = hashSecretHex(secret);
    const known = callers.find(key);
    if (known !== undefined) return accept(known.value, call, options);
    if (!isWellFormedSecret(secret)) throw authErrors.raise.invalid_key();
    return callers.get(key, call.context).then((found) => accept(found, call, options));
  };
  const identify = (secret: string, call: Call): Caller | Promise<Caller> =>
    secret.startsWith(TOKEN_START) ? identifyToken(secret, call) : identifyKey(secret, call);

  return {
    authenticate(request) {
      const startedMs = clock.monotonicMs();
      const accepted = (caller: Caller): void => {
        request.caller = caller;
      };
      const note = () => request.context.timings.add('auth', clock.monotonicMs() - startedMs);
      const secret = readCredential(request);
      if (secret === undefined) throw authErrors.raise.missing_credential();
      const caller = identify(secret, request);
      if (caller instanceof Promise) return caller.then(accepted).finally(note);
      accepted(caller);
      note();
      return undefined;
    },
    identify,
    authorize({ caller }, permission) {
      if (!caller.permissions.includes(permission)) throw keyErrors.raise.permission_missing({ permission });
    },
  };
}
