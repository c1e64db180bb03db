import type { CallContext } from '../../base/call-context.ts';
import { newId } from '../../base/ids.ts';
import type { Database } from '../../platform/postgres/index.ts';
import { insertSessions, listSessions } from './queries.ts';

const title = 'Welcome';

/** A session to try things in: one called "Welcome" of the latest hundred, made when there is none. Answers its id. */
export async function ensureWelcomeSession(database: Database, userId: string, context: CallContext): Promise<string> {
  const latest = { userId, assistant: null, afterUpdatedAt: null, afterId: null, limit: 100 };
  const sessions = await database.query(listSessions(latest), context);
  const known = sessions.find((session) => session.title === title);
  if (known !== undefined) return known.id;
  const id = newId();
  const welcome = {
    userId,
    id,
    title,
    assistant: null,
    model: null,
    idempotencyKey: null,
    fingerprint: null,
  };
  await database.query(insertSessions([{ ...welcome, keyId: null, ip: null, activityId: newId() }]), context);
  return id;
}
