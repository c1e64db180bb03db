import type { CallContext } from '../../base/call-context.ts';
import { newId } from '../../base/ids.ts';
import { type Database, sqlState, UNIQUE_VIOLATION } from '../../platform/postgres/index.ts';
import { unrepeatable } from '../accounts/index.ts';
import { findSessions, insertSessions } from './queries.ts';

/**
 * A session to try things in, made when it is not there: called "Welcome", and known by the user's own id. Answers its id.
 */
export async function ensureWelcomeSession(database: Database, userId: string, context: CallContext): Promise<string> {
  const id = userId;
  const [known] = await database.query(findSessions([{ userId, id }]), context);
  if (known !== undefined) return id;
  const actor = { userId, keyId: null, ip: null, activityId: newId() };
  const welcome = { ...actor, ...unrepeatable, id, title: 'Welcome', assistant: null, model: null };
  await database.query(insertSessions([welcome]), context).catch((error) => {
    // Another server that starts with the same key has just made it.
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error;
  });
  return id;
}
