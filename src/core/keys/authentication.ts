import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../base/time.ts';
import { type CallerCache, type CallerRecord, signInErrors, type Tokens } from '../accounts/index.ts';
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

/** Finds out who is calling and what they may do. */
export interface Authentication {
  /**
   * Sets `request.caller` from the API key in `Authorization: Bearer` or `x-api-key`, or from the access token in the
   * former; from a key at once where the caller is known. A key with a wrong checksum is refused without a query.
   * @throws AppError 401 `auth.*` for a missing, wrong, revoked or expired key or token; 503 when the database cannot
   *   tell; 403 `keys.ip_not_allowed`.
   */
  authenticate(request: FastifyRequest): Promise<void> | undefined;
  /** @throws AppError 403 `keys.permission_missing` when the caller lacks the permission. */
  authorize(request: FastifyRequest, permission: string): void;
}

const BEARER = 'bearer ';
/** How every JWT begins: `{"` in base64url. */
const TOKEN_START = 'eyJ';

/** What follows `Authorization: Bearer`; undefined when there is none. */
function readBearer(authorization: string): string | undefined {
  const isBearer = authorization.slice(0, BEARER.length).toLowerCase() === BEARER;
  return isBearer ? authorization.slice(BEARER.length) : undefined;
}

/** Sets who is calling, from what the cache knows. Expiry is looked at each time: keys expire while they are in there. */
function accept(
  request: FastifyRequest,
  found: CallerRecord | undefined,
  { clock, uses }: AuthenticationOptions,
): void {
  if (found === undefined) throw authErrors.raise.invalid_key();
  if (found.expiresAtMs !== null && found.expiresAtMs <= clock.now().getTime()) throw authErrors.raise.expired_key();
  if (found.isDisabled) throw signInErrors.raise.user_disabled();
  const { userId, username, plan, email, settings, createdAt, keyId, permissions, ipAllowlist } = found;
  if (ipAllowlist !== null && !isAllowedFrom(ipAllowlist, request.ip)) throw keyErrors.raise.ip_not_allowed();
  if (keyId !== null) uses.note(userId, keyId);
  request.caller = { userId, username, plan, email, settings, createdAt, keyId, permissions, ip: request.ip };
}

/** Makes the authentication of a server. A caller who is in the cache costs no statement, and by a key no waiting. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { callers, tokens, clock } = options;
  const authenticateToken = async (request: FastifyRequest, token: string): Promise<void> => {
    const { userId, signInId } = await tokens.verifyAccess(token);
    const found = await callers.get(userKey(userId), request.context);
    if (found === undefined) throw signInErrors.raise.invalid_token();
    if (found.endedSignIns.includes(signInId)) throw signInErrors.raise.signed_out();
    accept(request, found, options);
  };

  const authenticateKey = (request: FastifyRequest, secret: string): Promise<void> | undefined => {
    const key = hashSecretHex(secret);
    const known = callers.find(key);
    if (known !== undefined) {
      accept(request, known.value, options);
      return undefined;
    }
    if (!isWellFormedSecret(secret)) throw authErrors.raise.invalid_key();
    return callers.get(key, request.context).then((found) => accept(request, found, options));
  };

  return {
    authenticate(request) {
      const startedMs = clock.monotonicMs();
      const note = () => request.context.timings.add('auth', clock.monotonicMs() - startedMs);
      const { authorization, 'x-api-key': header } = request.headers;
      const bearer = authorization === undefined ? undefined : readBearer(authorization);
      const secret = authorization === undefined && typeof header === 'string' ? header : bearer;
      if (secret === undefined) throw authErrors.raise.missing_credential();
      const isToken = bearer?.startsWith(TOKEN_START) === true;
      const pending = isToken ? authenticateToken(request, secret) : authenticateKey(request, secret);
      if (pending !== undefined) return pending.finally(note);
      note();
      return undefined;
    },
    authorize(request, permission) {
      if (!request.caller.permissions.includes(permission)) throw keyErrors.raise.permission_missing({ permission });
    },
  };
}
