import { timingSafeEqual } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { Clock } from '../../base/time.ts';
import { type Cache, createCache, type Load } from '../../platform/cache/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type BatchObservers, createBatch, type Database } from '../../platform/postgres/index.ts';
import type { Redis } from '../../platform/redis/index.ts';
import { permissions } from './permissions.ts';
import { findCallers } from './queries.ts';

/** What is kept of the user behind a key: no secret. */
export type CallerRecord = Static<typeof CallerRecord>;

const CallerRecord = Type.Object(
  {
    userId: Type.String(),
    username: Type.String(),
    plan: Type.String(),
    createdAt: Type.String(),
    keyId: Type.String(),
    permissions: Type.Array(Type.String()),
    expiresAtMs: Type.Union([Type.Number(), Type.Null()]),
    ipAllowlist: Type.Union([Type.Array(Type.String()), Type.Null()]),
    isDisabled: Type.Boolean(),
  },
  { additionalProperties: false },
);

/** The users behind keys, by the key's SHA-256 in hex; the tag is the user's id, the version `users.auth_version`. */
export type CallerCache = Cache<CallerRecord>;

/** What the cache of callers needs. */
export interface CallerCacheOptions {
  readonly database: Database;
  readonly observers?: BatchObservers;
  readonly redis: Redis | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long finding a caller in the database may take, in milliseconds. */
  readonly lookupBudgetMs: number;
  readonly ttlMs: number;
  readonly graceMs: number;
  readonly isEnabled: boolean;
}

// About 40 MB when it is full.
const MAX_CALLERS = 50_000;

/** Answers one and the same list for equal ones: thousands of callers have the same permissions, in few combinations. */
function createListSharing(): (wanted: readonly string[]) => string[] {
  const lists = new Map<string, string[]>();
  return (wanted) => {
    const list = permissions.filter((permission) => wanted.includes(permission));
    const known = lists.get(list.join()) ?? list;
    lists.set(list.join(), known);
    return known;
  };
}

/** Makes the cache of callers of a server. A key that is revoked is as unknown as one that never was. */
export function createCallerCache(options: CallerCacheOptions): CallerCache {
  const { database, observers, redis, lookupBudgetMs, ...rest } = options;
  const batchKey = ({ hash }: { hash: Buffer }): string => hash.toString('base64');
  const find = createBatch({ statement: findCallers, keyOf: batchKey }, { ...observers, database, clock: rest.clock });

  const shareList = createListSharing();

  const load: Load<CallerRecord> = async (key, context) => {
    const hash = Buffer.from(key, 'hex');
    const [row] = await find({ hash }, context);
    if (row === undefined || row.revoked_at !== null || !timingSafeEqual(row.hash, hash)) return undefined;
    const value = {
      userId: row.user_id,
      username: row.username,
      plan: row.plan,
      createdAt: row.created_at.toISOString(),
      keyId: row.key_id,
      permissions: shareList(row.permissions),
      expiresAtMs: row.expires_at?.getTime() ?? null,
      ipAllowlist: row.ip_allowlist,
      isDisabled: row.disabled_at !== null,
    };
    return { value, tag: row.user_id, version: row.auth_version, loadedAtMs: row.loaded_at_ms };
  };

  return createCache({
    ...rest,
    name: 'callers',
    load,
    loadBudgetMs: lookupBudgetMs,
    isValue: (json): json is CallerRecord => Check(CallerRecord, json),
    maxEntries: MAX_CALLERS,
    ...(redis && { redis }),
  });
}
