import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Clock } from '../../base/time.ts';
import {
  Cursor,
  decodeCursor,
  encodeCursor,
  type HttpServer,
  ListOf,
  PageLimit,
  placePart,
  toPage,
} from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import {
  actorOf,
  type CallerCache,
  type IdempotentOutcome,
  markReplay,
  onceByKey,
  type RepeatableRequest,
  readIdempotency,
  type Stored,
  signInErrors,
  withoutBlindRetry,
} from '../accounts/index.ts';
import { keyErrors } from './errors.ts';
import { KEPT_DAYS } from './jobs.ts';
import { MAX_KEYS } from './max-keys.ts';
import { ownBounds, refuseMoreThanOwn } from './own-bounds.ts';
import { insertKey, type KeyRow, listKeys, revokeKey, rotateKey, updateKey } from './queries.ts';
import { CreatedKey, CreateKey, DeletedKey, Key, KeyParams, RotateKey, UpdateKey } from './schemas.ts';
import { newKey } from './secret.ts';

/** What the routes of keys need. */
export interface KeyRouteOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
}

/** A day: every deployment has the new key by then. */
const DEFAULT_OVERLAP_SECONDS = 86_400;

const toTime = (time: Date | string): string => new Date(time).toISOString();

/** A key as it is shown, of a row or of what a statement answers as JSON. */
function toKey(row: KeyRow | Stored<KeyRow>): Key {
  return {
    id: row.id,
    object: 'api_key',
    name: row.name,
    prefix: row.prefix,
    permissions: row.permissions,
    ip_allowlist: row.ip_allowlist,
    created_at: toTime(row.created_at),
    expires_at: row.expires_at && toTime(row.expires_at),
    last_used_at: row.last_used_at && toTime(row.last_used_at),
  };
}

/**
 * The answer to a request that made a key; without the secret when it was made by an earlier one.
 * @throws AppError 403 `keys.too_many` when none was made.
 */
function toCreatedKey({ key, replayed }: { key: unknown; replayed: boolean }, secret: string): CreatedKey {
  if (key === null) throw keyErrors.raise.too_many({ limit: MAX_KEYS });
  return { ...toKey(key as Stored<KeyRow>), key: replayed ? null : secret };
}

/** @throws AppError 400 `keys.expires_in_past`. */
function readExpiry(expiresAt: string | null, clock: Clock): Date | null {
  if (expiresAt === null) return null;
  const date = new Date(expiresAt);
  if (date <= clock.now()) throw keyErrors.raise.expires_in_past({ param: 'expires_at' });
  return date;
}

/** A new key as a request has it stored. */
function orderKey(request: FastifyRequest) {
  const { secret, stored } = newKey();
  return { secret, order: { ...actorOf(request.caller), ...readIdempotency(request), ...stored } };
}

/** Has a key made by a request, or finds the one that it made before under its Idempotency-Key. */
async function makeOnce<Row extends IdempotentOutcome & { key: unknown }>(
  exchange: RepeatableRequest,
  run: () => Promise<Row[]>,
): Promise<Row | undefined> {
  const make = () => onceByKey(run);
  return await withoutBlindRetry(exchange, async () => {
    const made = await make();
    const isRefused = made === undefined || made.key === null;
    // While this one waited for the user's row, the same request may have made the key: only now that can be seen.
    return isRefused && exchange.request.headers['idempotency-key'] !== undefined ? await make() : made;
  });
}

/** `POST` and `GET /v1/keys`. */
function registerKeyCollection(server: HttpServer, { database, clock }: KeyRouteOptions): void {
  server.post(
    '/v1/keys',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        operationId: 'createKey',
        summary: 'Create an API key',
        description:
          'The key is shown in this answer and never again. What is absent of `permissions`, `ip_allowlist` and `expires_at` ' +
          'is as of the key that makes it, which can give away no more than it has: no permission that it lacks, no other ' +
          'networks, no longer life. ' +
          `A replay of its Idempotency-Key has \`key: null\`. You may have ${MAX_KEYS} keys that work.`,
        body: CreateKey,
        response: { 201: CreatedKey },
      },
    },
    async (request, reply) => {
      const { name, permissions: wanted, expires_at, ip_allowlist } = request.body;
      const own = ownBounds(request.caller);
      const bounds = {
        permissions: wanted ?? own.permissions,
        ipAllowlist: ip_allowlist === undefined ? own.ipAllowlist : ip_allowlist,
        expiresAt: expires_at === undefined ? own.expiresAt : readExpiry(expires_at, clock),
      };
      refuseMoreThanOwn(own, bounds);
      const { secret, order } = orderKey(request);
      const key = { ...order, ...bounds, name };
      const stored = await makeOnce({ request, reply }, () => database.query(insertKey(key), request.context));
      if (stored === undefined) throw signInErrors.raise.user_disabled();
      if (stored.replayed) markReplay(reply);
      reply.code(201);
      return toCreatedKey(stored, secret);
    },
  );

  server.get(
    '/v1/keys',
    {
      config: { access: 'keys:read' },
      schema: {
        tags: ['Keys'],
        operationId: 'listKeys',
        summary: 'List your API keys',
        description: `Newest first. Revoked keys are not listed, and expired ones for ${KEPT_DAYS} days.`,
        querystring: Type.Object(
          { limit: PageLimit({ default: 50, maximum: 1000 }), cursor: Type.Optional(Cursor) },
          { additionalProperties: false },
        ),
        response: { 200: ListOf(Key) },
      },
    },
    async ({ query: { limit, cursor }, caller: { userId }, context }) => {
      const scope = `keys ${userId}`;
      const [beforeId = null] = decodeCursor(scope, cursor, [placePart.id]);
      const rows = await database.query(listKeys({ userId, beforeId, limit: limit + 1 }), context);
      return toPage(rows, limit, { item: toKey, cursor: (row) => encodeCursor(scope, [row.id]) });
    },
  );
}

/** `PATCH /v1/keys/{key_id}`. */
function registerChange(server: HttpServer, { database, clock, callers }: KeyRouteOptions): void {
  server.patch(
    '/v1/keys/:key_id',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        operationId: 'updateKey',
        summary: 'Change the name of an API key, what it may do, from where and how long',
        description:
          'To no more than what the key that makes the change has itself. One that may do more, works from elsewhere or lives ' +
          'longer can only be narrowed. One that has expired works again when it is given a later end, if you have fewer ' +
          `than ${MAX_KEYS} that work.`,
        params: KeyParams,
        body: UpdateKey,
        response: { 200: Key },
      },
    },
    async (request) => {
      const { name = null, permissions, ip_allowlist: ipAllowlist, expires_at } = request.body;
      const expiresAt = expires_at === undefined ? undefined : readExpiry(expires_at, clock);
      const own = ownBounds(request.caller);
      refuseMoreThanOwn(own, { permissions, ipAllowlist, expiresAt });
      const change = {
        name,
        permissions: permissions ?? null,
        setIpAllowlist: ipAllowlist !== undefined,
        ipAllowlist: ipAllowlist ?? null,
        setExpiresAt: expiresAt !== undefined,
        expiresAt: expiresAt ?? null,
      };
      const [row] = await database.query(
        updateKey({ ...actorOf(request.caller), id: request.params.key_id, own, ...change }),
        request.context,
      );
      if (row === undefined) throw keyErrors.raise.not_found();
      if (!row.is_within) {
        refuseMoreThanOwn(own, { permissions: row.permissions });
        throw keyErrors.raise.wider_than_own(permissions && { param: 'permissions' });
      }
      if (row.key === null) throw keyErrors.raise.too_many({ limit: MAX_KEYS });
      callers.invalidate(request.caller.userId, row.auth_version);
      return toKey(row.key as Stored<KeyRow>);
    },
  );
}

/** `DELETE /v1/keys/{key_id}`. */
function registerRevocation(server: HttpServer, { database, callers }: KeyRouteOptions): void {
  server.delete(
    '/v1/keys/:key_id',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        operationId: 'revokeKey',
        summary: 'Revoke an API key',
        description: 'It is refused from now on; it cannot be restored.',
        params: KeyParams,
        response: { 200: DeletedKey },
      },
    },
    async (request) => {
      const [row] = await database.query(
        revokeKey({ ...actorOf(request.caller), id: request.params.key_id }),
        request.context,
      );
      if (row === undefined) throw keyErrors.raise.not_found();
      callers.invalidate(request.caller.userId, row.auth_version);
      return { id: row.id, object: 'api_key' as const, deleted: true as const };
    },
  );
}

/** `POST /v1/keys/{key_id}/rotate`. */
function registerRotation(server: HttpServer, { database, callers }: KeyRouteOptions): void {
  server.post(
    '/v1/keys/:key_id/rotate',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        operationId: 'rotateKey',
        summary: 'Replace an API key by a new one',
        description:
          'The new key has the same name, permissions and networks, and lives as long as the old one was to live, but no ' +
          'longer than the key that asks for it; which cannot replace one that may do more, works from elsewhere or lives longer. ' +
          'The old one goes on for the overlap and then expires; with none it is revoked. A replay of the Idempotency-Key has ' +
          '`key: null`.',
        params: KeyParams,
        body: RotateKey,
        response: { 201: CreatedKey },
      },
    },
    async (request, reply) => {
      const { overlap_seconds: overlapSeconds = DEFAULT_OVERLAP_SECONDS } = request.body;
      const { secret, order } = orderKey(request);
      const rotation = { ...order, oldId: request.params.key_id, own: ownBounds(request.caller), overlapSeconds };
      const row = await makeOnce({ request, reply }, () => database.query(rotateKey(rotation), request.context));
      if (row === undefined) throw keyErrors.raise.not_found();
      refuseMoreThanOwn(rotation.own, { permissions: row.permissions ?? undefined });
      if (!row.is_within) throw keyErrors.raise.wider_than_own();
      if (row.auth_version > 0) callers.invalidate(request.caller.userId, row.auth_version);
      if (row.replayed) markReplay(reply);
      reply.code(201);
      return toCreatedKey(row, secret);
    },
  );
}

/** Registers the routes under `/v1/keys`. */
export function registerKeyRoutes(server: HttpServer, options: KeyRouteOptions): void {
  server.describeTag('Keys', 'API keys: secrets with permissions, by which programs act for you.');
  registerKeyCollection(server, options);
  registerChange(server, options);
  registerRevocation(server, options);
  registerRotation(server, options);
}
