import type { CallContext } from '../../base/call-context.ts';
import { type Database, inPages } from '../../platform/postgres/index.ts';
import type { Actor } from '../accounts/index.ts';
import { deleteMessages, deleteSession, deleteTurns } from './queries.ts';

/**
 * Messages that a statement deletes with their session. Others wait for its row meanwhile, and all who share their statements:
 * half a second for a thousand of the longest.
 */
const TOGETHER = 100;

/** More messages than any session has. */
const ANY = 2 ** 31 - 1;

/**
 * Deletes a session with its messages and turns. Of one that is long they go first, in pages, the newest first: what they left
 * when the time was up goes on when it is asked for again.
 *
 * @returns whether it deleted such a session: of several that do at once, one did.
 */
export async function removeSession(
  database: Database,
  session: Actor & { id: string },
  context: CallContext,
): Promise<boolean> {
  const [found] = await database.query(deleteSession({ ...session, atMost: TOGETHER }), context);
  if (found === undefined || found.gone) return found !== undefined;
  const { userId, id: sessionId } = session;
  for (const erase of [deleteMessages, deleteTurns]) {
    await inPages((limit) => database.query<unknown>(erase({ userId, sessionId, limit }), context));
  }
  const [left] = await database.query(deleteSession({ ...session, atMost: ANY }), context);
  return left?.gone === true;
}
