import { Type } from 'typebox';
import { newId } from '../../base/ids.ts';
import type { Clock } from '../../base/time.ts';
import {
  Cursor,
  decodeCursor,
  encodeCursor,
  type HttpServer,
  ListOf,
  PageLimit,
  toPage,
} from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import type { Caller } from '../accounts/index.ts';
import type { CallerCache } from './caller-cache.ts';
import { keyErrors } from './errors.ts';
import { permissions } from './permissions.ts';
import { insertKey, type KeyRow, listKeys, revokeKey, updateKey } from './queries.ts';
import { CreatedKey, CreateKey, DeletedKey, Key, KeyParams, UpdateKey } from './schemas.ts';
import { hashSecret, newSecret, secretPrefix } from './secret.ts';

/** What the routes of keys need. */
export interface KeyRouteOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Is told of changes at once, before the answer. */
  readonly callers: CallerCache;
}

const CURSOR_SCOPE = 'keys';

function toKey(row: KeyRow): Key {
  return {
    id: row.id,
    object: 'api_key',
    name: row.name,
    prefix: row.prefix,
    permissions: row.permissions,
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
  };
}

function actor(caller: Caller) {
  return { userId: caller.userId, keyId: caller.keyId, ip: caller.ip, activityId: newId() };
}

/** A key can give away only what it has itself. */
function refuseMoreThanOwn(caller: Caller, wanted: readonly string[] | undefined): void {
  const missing = wanted?.find((permission) => !caller.permissions.includes(permission));
  if (missing !== undefined)
    throw keyErrors.raise.permission_missing({ permission: missing }, { param: 'permissions' });
}

/** `POST` and `GET /v1/keys`. */
function registerKeyCollection(server: HttpServer, { database, clock }: KeyRouteOptions): void {
  server.post(
    '/v1/keys',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        summary: 'Create an API key',
        description:
          'The key is shown in this answer and never again. Without `permissions` it gets those of the key that makes it.',
        body: CreateKey,
        response: { 201: CreatedKey },
      },
    },
    async (request, reply) => {
      const { name, permissions: wanted, expires_at } = request.body;
      refuseMoreThanOwn(request.caller, wanted);
      const expiresAt = expires_at == null ? null : new Date(expires_at);
      if (expiresAt !== null && expiresAt <= clock.now()) {
        throw keyErrors.raise.expires_in_past({ param: 'expires_at' });
      }
      const secret = newSecret();
      const key = {
        id: newId(),
        name,
        prefix: secretPrefix(secret),
        permissions: wanted ?? permissions.filter((permission) => request.caller.permissions.includes(permission)),
      };
      const [stored] = await database.query(
        insertKey({ ...actor(request.caller), ...key, hash: hashSecret(secret), expiresAt }),
        request.context,
      );
      if (stored === undefined) throw new Error('An insert answered no row.');
      reply.code(201);
      return { ...toKey({ ...key, created_at: stored.created_at, expires_at: expiresAt }), key: secret };
    },
  );

  server.get(
    '/v1/keys',
    {
      config: { access: 'keys:read' },
      schema: {
        tags: ['Keys'],
        summary: 'List your API keys',
        description: 'Newest first. Revoked keys are not listed.',
        querystring: Type.Object(
          { limit: PageLimit({ default: 50, maximum: 1000 }), cursor: Type.Optional(Cursor) },
          { additionalProperties: false },
        ),
        response: { 200: ListOf(Key) },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const [beforeId = null] = cursor === undefined ? [] : decodeCursor(CURSOR_SCOPE, cursor);
      const rows = await database.query(
        listKeys({ userId: request.caller.userId, beforeId: beforeId as string | null, limit: limit + 1 }),
        request.context,
      );
      return toPage(rows, limit, { item: toKey, cursor: (row) => encodeCursor(CURSOR_SCOPE, [row.id]) });
    },
  );
}

/** `PATCH` and `DELETE /v1/keys/{key_id}`. */
function registerKey(server: HttpServer, { database, callers }: KeyRouteOptions): void {
  server.patch(
    '/v1/keys/:key_id',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        summary: 'Rename an API key or change what it may do',
        params: KeyParams,
        body: UpdateKey,
        response: { 200: Key },
      },
    },
    async (request) => {
      const { name = null, permissions: wanted } = request.body;
      refuseMoreThanOwn(request.caller, wanted);
      const [row] = await database.query(
        updateKey({ ...actor(request.caller), id: request.params.key_id, name, permissions: wanted ?? null }),
        request.context,
      );
      if (row === undefined) throw keyErrors.raise.not_found();
      callers.invalidate(request.caller.userId, row.auth_version);
      return toKey(row);
    },
  );

  server.delete(
    '/v1/keys/:key_id',
    {
      config: { access: 'keys:write' },
      schema: {
        tags: ['Keys'],
        summary: 'Revoke an API key',
        description: 'It is refused from now on; it cannot be restored.',
        params: KeyParams,
        response: { 200: DeletedKey },
      },
    },
    async (request) => {
      const [row] = await database.query(
        revokeKey({ ...actor(request.caller), id: request.params.key_id }),
        request.context,
      );
      if (row === undefined) throw keyErrors.raise.not_found();
      callers.invalidate(request.caller.userId, row.auth_version);
      return { id: row.id, object: 'api_key' as const, deleted: true as const };
    },
  );
}

/** Registers the routes under `/v1/keys`. */
export function registerKeyRoutes(server: HttpServer, options: KeyRouteOptions): void {
  registerKeyCollection(server, options);
  registerKey(server, options);
}
