import { type Caller, type CallerRecord, readSettings } from '../caller.ts';
import type { Account } from '../schemas.ts';

/** An account as it is shown. */
export function toAccount(user: Caller | CallerRecord): Account {
  const { userId, username, email, plan, createdAt } = user;
  const settings = readSettings(user.settings);
  return { id: userId, object: 'user', username, email, plan, settings, created_at: createdAt };
}
