import type { Logger } from '../../platform/log/index.ts';
import { listen, type Notifications } from '../../platform/postgres/index.ts';
import type { CallerCache } from '../accounts/index.ts';

/** What watching needs. */
export interface WatchOptions {
  /** The database itself, not by way of a transaction pooler. */
  readonly url: string;
  readonly log: Logger;
}

/** Every statement that changes what a user may do notifies this channel of `user_id:auth_version`. */
const CHANNEL = 'evenkeel_users';
const USER_CHANGE = /^([0-9a-f-]{36}):(\d{1,15})$/;
/** Everybody is to forget what was read before an instant, in milliseconds since 1970. */
const FORGET_ALL = /^\*:(\d{1,15})$/;

/** Does what a notification says. */
function heed(callers: CallerCache, payload: string, log: Logger): void {
  const [, userId, version] = USER_CHANGE.exec(payload) ?? [];
  const [, beforeMs] = FORGET_ALL.exec(payload) ?? [];
  if (userId !== undefined) callers.hear(userId, Number(version));
  else if (beforeMs !== undefined) callers.clear(Number(beforeMs));
  else log.warn({ channel: CHANNEL }, 'a notification of the database is not understood');
}

/** How often what is open is checked while changes are not heard of: no later than a loss is noticed. */
const DOUBT_MS = 2_000;

/**
 * Has the cache hear of changes of users that any server makes, until it is closed. While it cannot, the cache doubts again
 * and again, so that whoever has something open for a caller asks.
 */
export function watchUsers(callers: CallerCache, { url, log }: WatchOptions): Notifications {
  const timer = setInterval(() => {
    if (!callers.isHearing) callers.doubt();
  }, DOUBT_MS).unref();
  const notifications = listen({
    url,
    channel: CHANNEL,
    log,
    onNotification: (payload) => heed(callers, payload, log),
    onLost: () => callers.lose(),
    onRestored: (sinceMs) => callers.restore(sinceMs),
  });
  return {
    close() {
      clearInterval(timer);
      return notifications.close();
    },
  };
}
