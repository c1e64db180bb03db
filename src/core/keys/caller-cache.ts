import { timingSafeEqual } from 'node:crypto';
import { fits } from '../../base/schema-faults.ts';
import type { Clock } from '../../base/time.ts';
import { Cache, type Load } from '../../platform/cache/index.ts';
import { type BatchObservers, type BatchOptions, createBatch, type Database } from '../../platform/postgres/index.ts';
import type { Redis } from '../../platform/redis/index.ts';
import { type CallerCache, CallerRecord, findAccounts, toCallerRecord } from '../accounts/index.ts';
import { permissions } from './permissions.ts';
import { findCallers } from './queries.ts';

/** What the cache of callers needs. */
export interface CallerCacheOptions {
  readonly database: Database;
  readonly observers?: BatchObservers;
  readonly redis: Redis | undefined;
  readonly clock: Clock;
  /** How long finding a caller in the database may take, in milliseconds. */
  readonly lookupBudgetMs: number;
  readonly ttlMs: number;
  readonly graceMs: number;
  readonly isEnabled: boolean;
}

// About 40 MB of users who keep no settings.
const MAX_CALLERS = 50_000;
// With that some room for settings, of which a user may keep 8 kB, and which count once more for each key: a few users who
// keep them under all their keys cost others a statement, not the process its memory.
const MAX_CALLER_BYTES = 64_000_000;

const USER_KEY = 'user:';

/** Under which key the cache has the user of an access token. */
export function userKey(userId: string): string {
  return USER_KEY + userId;
}

/** What an access token may do, and the first key of a user who signs up: everything but run the server. */
export const userPermissions = permissions.filter((permission) => permission !== 'admin');

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

function createKeyLoad(options: BatchOptions): Load<CallerRecord> {
  const batchKey = ({ hash }: { hash: Buffer }): string => hash.toString('base64');
  const find = createBatch({ statement: findCallers, keyOf: batchKey }, options);
  const shareList = createListSharing();
  return async (key, context) => {
    const hash = Buffer.from(key, 'hex');
    const [row] = await find({ hash }, context);
    if (row === undefined || row.revoked_at !== null || !timingSafeEqual(row.hash, hash)) return undefined;
    const value = toCallerRecord(row, {
      keyId: row.key_id,
      permissions: shareList(row.permissions),
      expiresAtMs: row.expires_at?.getTime() ?? null,
      ipAllowlist: row.ip_allowlist,
      endedSignIns: [],
    });
    return { value, tag: row.user_id, version: row.auth_version, loadedAtMs: row.loaded_at_ms };
  };
}

function createUserLoad(options: BatchOptions): Load<CallerRecord> {
  const find = createBatch({ statement: findAccounts, keyOf: ({ userId }: { userId: string }) => userId }, options);
  return async (key, context) => {
    const [row] = await find({ userId: key.slice(USER_KEY.length) }, context);
    if (row === undefined) return undefined;
    const access = {
      ...{ keyId: null, expiresAtMs: null, ipAllowlist: null },
      permissions: userPermissions,
      endedSignIns: row.ended ?? [],
    };
    const value = toCallerRecord(row, access);
    return { value, tag: row.user_id, version: row.auth_version, loadedAtMs: row.loaded_at_ms };
  };
}

/**
 * Makes the cache of callers of a server. A key that is revoked is as unknown as one that never was. Identities are loaded
 * by whoever signs in.
 */
export function createCallerCache(options: CallerCacheOptions): CallerCache {
  const { database, observers, lookupBudgetMs, ...rest } = options;
  const batchOptions = { ...observers, database, clock: rest.clock };
  const loadKey = createKeyLoad(batchOptions);
  const loadUser = createUserLoad(batchOptions);
  return new Cache({
    ...rest,
    name: 'callers',
    load: (key, context) => (key.startsWith(USER_KEY) ? loadUser(key, context) : loadKey(key, context)),
    loadBudgetMs: lookupBudgetMs,
    isValue: (json): json is CallerRecord => fits(CallerRecord, json),
    maxEntries: MAX_CALLERS,
    maxBytes: MAX_CALLER_BYTES,
  });
}
