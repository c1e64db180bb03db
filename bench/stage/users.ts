import type { CallContext } from '../../src/base/call-context.ts';
import { newId } from '../../src/base/ids.ts';
import { inBackground } from '../../src/base/in-background.ts';
import { createUsersWithKeys, type UserWithKey } from '../../src/core/keys/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres } from '../../src/platform/postgres/index.ts';

/** A user of a bench and the key by which it calls. */
export type User = UserWithKey;

const BUDGET_MS = 300_000;

/** Creates users on a plan whose limits nobody reaches, each with a key that may do everything, by the product's own statement. */
export async function createUsers(databaseUrl: string, count: number): Promise<User[]> {
  const postgres = openPostgres({ url: databaseUrl, poolWaitMs: 10_000, log: createLogger({ level: 'error' }) });
  const orders = Array.from({ length: count }, () => ({
    username: `bench-${newId()}`,
    plan: 'bench',
    name: 'bench',
  }));
  const create = (context: CallContext) => createUsersWithKeys(postgres, orders, context);
  const users = await inBackground({ budgetMs: BUDGET_MS }, create);
  await postgres.close();
  return users;
}

/** The header by which a user calls. */
export function credential({ secret }: User): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}
