import { createKeyForUser, createUserWithKey } from '../core/keys/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { withDatabase } from './with-database.ts';

/** Creates an API key with every permission for a user, who is created on the plan `free` if new. Answers the key. */
export async function createKey(
  config: Config,
  log: Logger,
  order: { username: string; name: string },
): Promise<string> {
  return await withDatabase({ config, log }, async (database, context) => {
    const created =
      (await createUserWithKey(database, { ...order, plan: 'free' }, context)) ??
      (await createKeyForUser(database, order, context));
    if (created === undefined) throw new Error(`The user ${order.username} was deleted at this moment. Try again.`);
    return created.secret;
  });
}
