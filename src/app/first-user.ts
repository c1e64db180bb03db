import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CallContext } from '../base/call-context.ts';
import { createUserWithKey, findUserByKey, hasUsers, isWellFormedSecret, newSecret } from '../core/keys/index.ts';
import { type Database, dataDirectoryError, keepSecret, readSecret } from '../platform/postgres/index.ts';

/** The operator's own key, as the start of the server shows it. */
export interface FirstKey {
  readonly userId: string;
  readonly secret: string;
  /** The file that keeps it. */
  readonly file: string;
  /** Whether it was made at this start. */
  readonly isNew: boolean;
}

/** Uses a file of the data directory. @throws Error that names the directory when it cannot be used. */
function useFile<Result>(dataDir: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    throw dataDirectoryError(dataDir, error as Error);
  }
}

/**
 * On an empty database, creates the user `admin` on the plan `unlimited` with a key that may do everything, and keeps
 * the key in `dev-key` in the data directory (mode 0600, the key and a newline). Else answers the key kept there, or
 * undefined when there is none that works; undefined too when another server creates the user at the same time.
 *
 * The file is written before the user, so that a crash between the two loses no key: the next start stores that one.
 * Servers that share the directory store the same key, so that it does not matter whose user stays.
 * @throws Error on an empty database, when the file holds something else than a key; when the directory cannot be used.
 */
export async function ensureFirstUser(
  database: Database,
  dataDir: string,
  context: CallContext,
): Promise<FirstKey | undefined> {
  const file = join(dataDir, 'dev-key');
  const isEmpty = !(await hasUsers(database, context));
  // Only now: a user who is there was preceded by the file.
  const kept = useFile(dataDir, () => readSecret(file));
  if (!isEmpty) {
    if (kept === undefined || !isWellFormedSecret(kept)) return undefined;
    const userId = await findUserByKey(database, kept, context);
    return userId === undefined ? undefined : { userId, secret: kept, file, isNew: false };
  }
  const secret = kept ?? useFile(dataDir, () => keepSecret(file, newSecret()));
  if (!isWellFormedSecret(secret)) throw new Error(`${file} does not hold a key. Remove it: the next start makes one.`);
  const order = { username: 'admin', plan: 'unlimited', name: 'first key', secret };
  const user = await createUserWithKey(database, order, context);
  if (user !== undefined) return { ...user, file, isNew: true };
  // Another server was first: with this key when it shares the directory, else with one of its own. A key of before this
  // start stays, for it may be that of another database.
  const isOurs = (await findUserByKey(database, secret, context)) !== undefined;
  if (kept === undefined && !isOurs) await rm(file, { force: true });
  return undefined;
}
