import type { CallContext } from '../../base/call-context.ts';
import { newId } from '../../base/ids.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { insertSessions, listSessions } from './queries.ts';

/** The user's session with the newest activity; one called "Welcome" is made when there is none. Answers its id. */
export async function ensureWelcomeSession(database: Database, userId: string, context: CallContext): Promise<string> {
  const newest = { userId, assistant: null, afterUpdatedAt: null, afterId: null, limit: 1 };
  const [session] = await database.query(listSessions(newest), context);
  if (session !== undefined) return session.id;
  const id = newId();
  const welcome = {
    userId,
    id,
    title: 'Welcome',
    assistant: null,
    model: null,
    idempotencyKey: null,
    fingerprint: null,
  };
  await database.query(insertSessions([{ ...welcome, keyId: null, ip: null, activityId: newId() }]), context);
  return id;
}
