import { Type } from 'typebox';
import { MAX_TTL_MS } from '../../platform/cache/index.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { actorOf, type CallerCache } from '../accounts/index.ts';
import { keyErrors } from './errors.ts';
import { forgetCallers, touchUser } from './queries.ts';
import { CacheStatistics } from './schemas.ts';

/** What the routes of the cache need. */
export interface CacheRouteOptions {
  readonly database: Database;
  readonly callers: CallerCache;
}

const ACCESS = 'admin';
const tags = ['Operating'];
const response = { 200: CacheStatistics };

function describe(callers: CallerCache): CacheStatistics {
  const { tags: cachedUsers, sizeBytes, ttlMs, hits, misses, hitRate, evictions } = callers.statistics();
  return {
    cached_users: cachedUsers,
    cache_size_bytes: sizeBytes,
    ttl_seconds: ttlMs / 1000,
    hits,
    misses,
    hit_rate: hitRate,
    evictions,
  };
}

/** `GET` and `PUT /admin/cache`. */
function registerStatistics(server: HttpServer, { callers }: CacheRouteOptions): void {
  server.get(
    '/admin/cache',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'readCacheStatistics',
        summary: 'What the cache of callers of this server holds',
        response,
      },
    },
    async () => describe(callers),
  );

  server.put(
    '/admin/cache',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'setCacheTtl',
        summary: 'Change how long a cached caller serves, on this server until it is restarted',
        body: Type.Object(
          { ttl_seconds: Type.Integer({ minimum: 1, maximum: MAX_TTL_MS / 1000 }) },
          { additionalProperties: false, examples: [{ ttl_seconds: 300 }] },
        ),
        response,
      },
    },
    async (request) => {
      callers.setTtl(request.body.ttl_seconds * 1000);
      return describe(callers);
    },
  );
}

/** `DELETE /admin/cache` and `/admin/cache/{user_id}`. */
function registerForgetting(server: HttpServer, { database, callers }: CacheRouteOptions): void {
  server.delete(
    '/admin/cache',
    {
      config: { access: ACCESS },
      schema: { tags, operationId: 'forgetCallers', summary: 'Have every server forget all callers', response },
    },
    async ({ caller, context }) => {
      const [told] = await database.query(forgetCallers(actorOf(caller)), context);
      if (told === undefined) throw new Error('A select without a table answered no row.');
      callers.clear(told.before_ms);
      return describe(callers);
    },
  );

  server.delete(
    '/admin/cache/:user_id',
    {
      config: { access: ACCESS },
      schema: {
        tags,
        operationId: 'forgetCaller',
        summary: 'Have every server forget a user',
        params: Type.Object({ user_id: Type.String({ format: 'uuid' }) }, { additionalProperties: false }),
        response,
      },
    },
    async ({ params: { user_id: targetId }, caller, context }) => {
      const [touched] = await database.query(touchUser({ ...actorOf(caller), targetId }), context);
      if (touched === undefined) throw keyErrors.raise.user_not_found();
      callers.invalidate(targetId, touched.auth_version);
      return describe(callers);
    },
  );
}

/** Registers the routes under `/admin/cache`. */
export function registerCacheRoutes(server: HttpServer, options: CacheRouteOptions): void {
  registerStatistics(server, options);
  registerForgetting(server, options);
}
