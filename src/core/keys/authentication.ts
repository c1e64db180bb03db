import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { CallContext } from '../../base/call-context.ts';
import type { Clock } from '../../base/time.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { Caller } from './caller.ts';
import { authErrors, keyErrors } from './errors.ts';
import { findCallers } from './queries.ts';
import { hashSecret, isWellFormedSecret } from './secret.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; set on every route that is not public. */
    caller: Caller;
  }
}

/** What authentication needs. */
export interface AuthenticationOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** How long finding the caller may take, in milliseconds. */
  readonly lookupBudgetMs: number;
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

/** Makes the authentication of a server. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { database, clock, lookupBudgetMs } = options;

  async function findCaller(secret: string, context: CallContext) {
    const hash = hashSecret(secret);
    const deadline = context.deadline.shortenedTo(lookupBudgetMs);
    try {
      const [row] = await database.query(findCallers([{ hash }]), { ...context, deadline });
      return row !== undefined && timingSafeEqual(row.hash, hash) ? row : undefined;
    } finally {
      deadline.end();
    }
  }

  return {
    async authenticate(request) {
      const startedMs = clock.monotonicMs();
      const secret = readSecret(request);
      if (secret === undefined) throw authErrors.raise.missing_credential();
      if (!isWellFormedSecret(secret)) throw authErrors.raise.invalid_key();
      const found = await findCaller(secret, request.context);
      request.context.timings.add('auth', clock.monotonicMs() - startedMs);
      if (found === undefined || found.revoked_at !== null) throw authErrors.raise.invalid_key();
      if (found.expires_at !== null && found.expires_at <= clock.now()) throw authErrors.raise.expired_key();
      if (found.disabled_at !== null) throw authErrors.raise.user_disabled();
      request.caller = {
        userId: found.user_id,
        keyId: found.key_id,
        permissions: new Set(found.permissions),
        ip: request.ip,
      };
    },
    authorize(request, permission) {
      if (!request.caller.permissions.has(permission)) throw keyErrors.raise.permission_missing({ permission });
    },
  };
}
