import type { CallContext } from '../../base/call-context.ts';
import { newId } from '../../base/ids.ts';
import { deleteUsers } from '../../core/accounts/index.ts';
import { createUsersWithKeys, type UserWithKey } from '../../core/keys/index.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { eraseLargeParts } from '../stored-data/erase-user.ts';

/** Users of one statement: few enough that it stays short. */
const AT_ONCE = 500;
/** Users whose parts are erased side by side: fewer than a pool has connections, and enough for a database far away. */
const ERASED_AT_ONCE = 4;

/**
 * Adds to the users of a load test until there are `count`, each with a key, on the plan without limits. Those that were created
 * before it fails are among `users`, to be erased.
 */
export async function createLoadTestUsers(
  database: Database,
  { users, count }: { users: UserWithKey[]; count: number },
  context: CallContext,
): Promise<void> {
  while (users.length < count) {
    const orders = Array.from({ length: Math.min(AT_ONCE, count - users.length) }, () => ({
      username: `loadtest-${newId()}`,
      plan: 'unlimited',
      name: 'load test',
    }));
    users.push(...(await createUsersWithKeys(database, orders, context)));
  }
}

/**
 * Erases them with all that they left, in pages. What was erased stays so when it fails.
 * @throws AppError when the database does not do it in time.
 */
export async function eraseLoadTestUsers(
  database: Database,
  users: readonly UserWithKey[],
  context: CallContext,
): Promise<void> {
  const rest = users.values();
  const eraseRest = async () => {
    for (const user of rest) await eraseLargeParts(database, user.userId, context);
  };
  await Promise.all(Array.from({ length: ERASED_AT_ONCE }, eraseRest));
  for (let from = 0; from < users.length; from += AT_ONCE) {
    await database.query(deleteUsers(users.slice(from, from + AT_ONCE)), context);
  }
}
