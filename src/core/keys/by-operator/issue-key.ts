import type { CallContext } from '../../../base/call-context.ts';
import { newId } from '../../../base/ids.ts';
import type { Database } from '../../../platform/postgres/index.ts';
import { unrepeatable } from '../../accounts/index.ts';
import { keyErrors } from '../errors.ts';
import { MAX_KEYS } from '../max-keys.ts';
import { permissions } from '../permissions.ts';
import { findCallers, insertKey } from '../queries.ts';
import { hashSecret, newKey } from '../secret.ts';
import { findAnyUser, findUserByName, insertUsersWithKeys } from './queries.ts';

/** What the operator of a server may issue a key for, without being a caller. */
export interface KeyOrder {
  readonly username: string;
  /** The plan of the user, when it is made now. */
  readonly plan: string;
  readonly name: string;
  /** The secret to store, when it was made before; else a new one. */
  readonly secret?: string;
}

/** A user who was made, and the secret of the first key. */
export interface UserWithKey {
  readonly userId: string;
  readonly secret: string;
}

/**
 * Creates users, each with a first key that has every permission, in one statement. Answers those that were made: one
 * whose name was taken is not among them.
 */
export async function createUsersWithKeys(
  database: Database,
  orders: readonly KeyOrder[],
  context: CallContext,
): Promise<UserWithKey[]> {
  const secrets = new Map<string, string>();
  const users = orders.map(({ username, plan, name, secret: given }) => {
    const userId = newId();
    const { secret, stored } = newKey(given);
    secrets.set(userId, secret);
    return { ...stored, name, userId, username, plan, activityId: newId() };
  });
  const made = await database.query(insertUsersWithKeys({ users, permissions: [...permissions] }), context);
  return made.map(({ user_id: userId }) => ({ userId, secret: secrets.get(userId) as string }));
}

/** The same for one user; undefined when the name was taken: then nothing is written. */
export async function createUserWithKey(
  database: Database,
  order: KeyOrder,
  context: CallContext,
): Promise<UserWithKey | undefined> {
  const [user] = await createUsersWithKeys(database, [order], context);
  return user;
}

/**
 * Creates one more key, with every permission, for a user that exists; undefined when there is none of that name, or it is
 * one who is being erased.
 * @throws AppError 403 `keys.too_many`; Error that says what to do for a user who is disabled, whose keys are refused.
 */
export async function createKeyForUser(
  database: Database,
  order: Pick<KeyOrder, 'username' | 'name'>,
  context: CallContext,
): Promise<UserWithKey | undefined> {
  const [user] = await database.query(findUserByName(order), context);
  if (user === undefined) return undefined;
  if (user.is_disabled) {
    const way = `PATCH /admin/users/${user.user_id} {"disabled": false}`;
    throw new Error(`The user "${order.username}" is disabled, and no key of theirs works. Enable them first: ${way}.`);
  }
  const { secret, stored } = newKey();
  const actor = { userId: user.user_id, keyId: null, ip: null, activityId: newId() };
  const bounds = { permissions: [...permissions], ipAllowlist: null, expiresAt: null };
  const [made] = await database.query(
    insertKey({ ...actor, ...stored, ...bounds, ...unrepeatable, name: order.name }),
    context,
  );
  if (made === undefined) return undefined;
  if (made.key === null) throw keyErrors.raise.too_many({ limit: MAX_KEYS });
  return { userId: user.user_id, secret };
}

/** Whether there is any user yet. */
export async function hasUsers(database: Database, context: CallContext): Promise<boolean> {
  return (await database.query(findAnyUser(), context)).length > 0;
}

/** The user who can call with this key; undefined when nobody can: it is nobody's, revoked or expired, or its user disabled. */
export async function findUserByKey(
  database: Database,
  secret: string,
  context: CallContext,
): Promise<string | undefined> {
  const [row] = await database.query(findCallers([{ hash: hashSecret(secret) }]), context);
  if (row === undefined || row.revoked_at !== null || row.disabled_at !== null) return undefined;
  const hasExpired = row.expires_at !== null && row.expires_at.getTime() <= row.loaded_at_ms;
  return hasExpired ? undefined : row.user_id;
}
