import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../base/time.ts';
import type { CallerCache } from './caller-cache.ts';
import { authErrors, keyErrors } from './errors.ts';
import { hashSecret, isWellFormedSecret } from './secret.ts';

/** What authentication needs. */
export interface AuthenticationOptions {
  readonly callers: CallerCache;
  readonly clock: Clock;
}

/** Finds out who is calling and what they may do. */
export interface Authentication {
  /**
   * Sets `request.caller` from the API key in `Authorization: Bearer` or `x-api-key`. A key with a wrong checksum is
   * refused without a query.
   * @throws AppError 401 `auth.*` for a missing, wrong, revoked or expired key; 503 when the database cannot tell.
   */
  authenticate(request: FastifyRequest): Promise<void>;
  /** @throws AppError 403 `keys.permission_missing` when the caller's key lacks the permission. */
  authorize(request: FastifyRequest, permission: string): void;
}

function readSecret(request: FastifyRequest): string | undefined {
  const [scheme, token, ...rest] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() === 'bearer' && rest.length === 0) return token;
  const header = request.headers['x-api-key'];
  return typeof header === 'string' && scheme === undefined ? header : undefined;
}

/** Makes the authentication of a server. A caller who is in the cache costs no statement. */
export function createAuthentication({ callers, clock }: AuthenticationOptions): Authentication {
  return {
    async authenticate(request) {
      const startedMs = clock.monotonicMs();
      const secret = readSecret(request);
      if (secret === undefined) throw authErrors.raise.missing_credential();
      if (!isWellFormedSecret(secret)) throw authErrors.raise.invalid_key();
      const found = await callers.get(hashSecret(secret).toString('hex'), request.context);
      request.context.timings.add('auth', clock.monotonicMs() - startedMs);
      if (found === undefined) throw authErrors.raise.invalid_key();
      // Looked at each time, for keys expire while they are in the cache.
      if (found.expiresAtMs !== null && found.expiresAtMs <= clock.now().getTime())
        throw authErrors.raise.expired_key();
      if (found.isDisabled) throw authErrors.raise.user_disabled();
      request.caller = {
        userId: found.userId,
        username: found.username,
        plan: found.plan,
        createdAt: found.createdAt,
        keyId: found.keyId,
        permissions: new Set(found.permissions),
        ip: request.ip,
      };
    },
    authorize(request, permission) {
      if (!request.caller.permissions.has(permission)) throw keyErrors.raise.permission_missing({ permission });
    },
  };
}
