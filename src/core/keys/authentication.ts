import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../base/time.ts';
import type { CallerCache, CallerRecord } from './caller-cache.ts';
import { authErrors, keyErrors } from './errors.ts';
import { isAllowedFrom } from './ip-allowlist.ts';
import type { KeyUses } from './key-uses.ts';
import { hashSecretHex, isWellFormedSecret } from './secret.ts';

/** What authentication needs. */
export interface AuthenticationOptions {
  readonly callers: CallerCache;
  readonly clock: Clock;
  /** Is told of each use of a key. */
  readonly uses: Pick<KeyUses, 'note'>;
}

/** Finds out who is calling and what they may do. */
export interface Authentication {
  /**
   * Sets `request.caller` from the API key in `Authorization: Bearer` or `x-api-key`, at once where the caller is known.
   * A key with a wrong checksum is refused without a query.
   * @throws AppError 401 `auth.*` for a missing, wrong, revoked or expired key; 503 when the database cannot
   *   tell; 403 `keys.ip_not_allowed`.
   */
  authenticate(request: FastifyRequest): Promise<void> | undefined;
  /** @throws AppError 403 `keys.permission_missing` when the caller's key lacks the permission. */
  authorize(request: FastifyRequest, permission: string): void;
}

const BEARER = 'bearer ';

function readSecret(request: FastifyRequest): string | undefined {
  const { authorization, 'x-api-key': header } = request.headers;
  if (authorization === undefined) return typeof header === 'string' ? header : undefined;
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
  if (found.isDisabled) throw authErrors.raise.user_disabled();
  const { userId, username, plan, createdAt, keyId, permissions, ipAllowlist } = found;
  if (ipAllowlist !== null && !isAllowedFrom(ipAllowlist, request.ip)) throw keyErrors.raise.ip_not_allowed();
  uses.note(userId, keyId);
  request.caller = { userId, username, plan, createdAt, keyId, permissions, ip: request.ip };
}

/** Makes the authentication of a server. A caller who is in the cache costs no statement, and no waiting. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { callers, clock } = options;
  return {
    authenticate(request) {
      const startedMs = clock.monotonicMs();
      const { context } = request;
      const secret = readSecret(request);
      if (secret === undefined) throw authErrors.raise.missing_credential();
      const key = hashSecretHex(secret);
      const known = callers.find(key);
      if (known !== undefined) {
        context.timings.add('auth', clock.monotonicMs() - startedMs);
        accept(request, known.value, options);
        return undefined;
      }
      if (!isWellFormedSecret(secret)) throw authErrors.raise.invalid_key();
      return callers
        .get(key, context)
        .finally(() => context.timings.add('auth', clock.monotonicMs() - startedMs))
        .then((found) => accept(request, found, options));
    },
    authorize(request, permission) {
      if (!request.caller.permissions.includes(permission)) throw keyErrors.raise.permission_missing({ permission });
    },
  };
}
