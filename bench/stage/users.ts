import { Deadline } from '../../src/base/deadline.ts';
import { newId } from '../../src/base/ids.ts';
import { Timings } from '../../src/base/timings.ts';
import { createUserWithKey } from '../../src/core/keys/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres } from '../../src/platform/postgres/index.ts';

/** A user of a bench and the key by which it calls. */
export interface User {
  readonly userId: string;
  readonly secret: string;
}

const BUDGET_MS = 300_000;
/** Statements at a time: as many as there are connections. */
const AT_ONCE = 10;

/** Creates users on the plan `unlimited`, each with a key that may do everything, by the product's own statement. */
export async function createUsers(databaseUrl: string, count: number): Promise<User[]> {
  const postgres = openPostgres({ url: databaseUrl, poolWaitMs: 10_000, log: createLogger({ level: 'error' }) });
  const deadline = Deadline.after(BUDGET_MS);
  const context = { deadline, timings: new Timings(), requestId: 'bench' };
  const users: User[] = [];
  let started = 0;
  const work = async (): Promise<void> => {
    while (started++ < count) {
      const order = { username: `bench-${newId()}`, plan: 'unlimited', name: 'bench' };
      const user = await createUserWithKey(postgres, order, context);
      if (user === undefined) throw new Error('A user name was taken.');
      users.push(user);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  deadline.end();
  await postgres.close();
  return users;
}

/** The header by which a user calls. */
export function credential({ secret }: User): Record<string, string> {
  return { authorization: `Bearer ${secret}` };
}
