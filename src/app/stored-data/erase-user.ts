import { Type } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import { deleteUsers, eraseIdempotencyKeys } from '../../core/accounts/index.ts';
import { eraseActivity } from '../../core/activity/index.ts';
import { eraseMessages, eraseSessions, eraseTurns } from '../../core/chat/index.ts';
import { defineJob, type Job } from '../../platform/jobs/index.ts';
import { type Database, inPages } from '../../platform/postgres/index.ts';
import type { BoundAssistants } from '../assistants/bind-assistants.ts';

/** What erasing users needs. */
export interface EraseUserOptions {
  readonly database: Database;
  readonly installed: Pick<BoundAssistants, 'eraseUser'>;
}

/** For millions of rows. A try that runs out of it goes on where it was. */
const BUDGET_MS = 600_000;

/**
 * What a user may have more of than one statement can delete in its time, what is under a table before it; the rest goes with
 * the account.
 */
export const largeParts = [eraseMessages, eraseTurns, eraseSessions, eraseActivity, eraseIdempotencyKeys];

/** Erases what a user may have much of, in pages. What was erased stays so when it fails. */
export async function eraseLargeParts(database: Database, userId: string, context: CallContext): Promise<void> {
  for (const erase of largeParts) {
    await inPages((limit) => database.query<unknown>(erase({ userId, limit }), context));
  }
}

/** Erases a user, of whom nobody can sign in any more, with all that is stored. */
export function eraseUser({ database, installed }: EraseUserOptions): Job {
  return defineJob({
    name: 'accounts.erase_user',
    input: Type.Object({ user_id: Type.String({ format: 'uuid' }) }),
    budgetMs: BUDGET_MS,
    async run({ user_id: userId }, context) {
      await installed.eraseUser(userId, context);
      await eraseLargeParts(database, userId, context);
      await database.query(deleteUsers([{ userId }]), context);
    },
  });
}
