import type { Caller, CallerRecord } from '../caller.ts';
import type { Account } from '../schemas.ts';

const noSettings: Account['settings'] = Object.freeze({});

/** An account as it is shown. Most users have no settings: for those nothing is parsed. */
export function toAccount(user: Caller | CallerRecord): Account {
  const { userId, username, email, plan, createdAt } = user;
  const settings = user.settings === '{}' ? noSettings : JSON.parse(user.settings);
  return { id: userId, object: 'user', username, email, plan, settings, created_at: createdAt };
}
