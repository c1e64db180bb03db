import { fits } from '../base/schema-faults.ts';
import { USERNAME_RULE, Username } from '../core/accounts/index.ts';
import { createKeyForUser, createUserWithKey, KeyName } from '../core/keys/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { withDatabase } from './with-database.ts';

/** For whom a key is to be, and what for. */
interface KeyOrder {
  readonly username: string;
  readonly name: string;
}

/**
 * Creates an API key with every permission for a user, who is created on the plan `free` if new. Answers the key.
 * @throws Error that tells the rule, for a name of a key or of a new user that the HTTP interface would refuse too, or what to
 *   do about a user who is disabled.
 */
export async function createKey(config: Config, log: Logger, order: KeyOrder): Promise<string> {
  if (!fits(KeyName, order.name))
    throw new Error('The name of a key has 1 to 100 characters. Give another with --name.');
  const canBeNew = fits(Username, order.username);
  return await withDatabase({ config, log }, async (database, context) => {
    const created =
      (canBeNew ? await createUserWithKey(database, { ...order, plan: 'free' }, context) : undefined) ??
      (await createKeyForUser(database, order, context));
    if (created !== undefined) return created.secret;
    const name = JSON.stringify(order.username);
    if (canBeNew) throw new Error(`The user ${name} was deleted at this moment. Try again.`);
    throw new Error(`There is no user ${name}, and a new one cannot be called so. A username has ${USERNAME_RULE}`);
  });
}
