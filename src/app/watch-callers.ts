import { newId } from '../base/ids.ts';
import { inBackground } from '../base/in-background.ts';
import { type CallerCache, signInErrors } from '../core/accounts/index.ts';
import type { TurnRunner } from '../core/chat/index.ts';
import { type Authentication, readCredential, userKey } from '../core/keys/index.ts';
import { type HttpServer, recheckStreams } from '../platform/http/index.ts';

/** What watching needs. */
export interface WatchCallersOptions {
  readonly callers: Pick<CallerCache, 'onChange' | 'get'>;
  readonly authentication: Pick<Authentication, 'identify'>;
  readonly turns: Pick<TurnRunner, 'running'>;
}

/** For finding out whether a caller may still call. */
const BUDGET_MS = 5_000;

/** Ends the event streams of callers who may no longer call. */
function watchStreams(http: HttpServer, { callers, authentication }: WatchCallersOptions): void {
  callers.onChange((userId) => {
    recheckStreams(http, {
      isConcerned: ({ caller }) => userId === undefined || caller.userId === userId,
      check: (request) =>
        inBackground({ requestId: request.id, budgetMs: BUDGET_MS }, async (context) =>
          authentication.identify(readCredential(request) ?? '', { ip: request.ip, context, isUse: false }),
        ),
    });
  });
}

/**
 * Ends the turns of users who are disabled or erased; those of a user whose key was revoked go on. Where it cannot be told,
 * a turn goes on too.
 */
function watchTurns({ callers, turns }: WatchCallersOptions): void {
  const turnsOf = (userId: string) => Array.from(turns.running.keys()).filter((turn) => turn.key.userId === userId);
  const check = async (userId: string): Promise<void> => {
    const user = await inBackground({ requestId: newId(), budgetMs: BUDGET_MS }, (context) =>
      callers.get(userKey(userId), context),
    );
    if (user !== undefined && !user.isDisabled) return;
    for (const { deadline } of turnsOf(userId)) deadline.cancel(signInErrors.raise.user_disabled());
  };
  callers.onChange((changedId) => {
    const users = new Set(Array.from(turns.running.keys(), (turn) => turn.key.userId));
    for (const userId of users) {
      if (changedId === undefined || changedId === userId) check(userId).catch(() => undefined);
    }
  });
}

/** Ends what is under way for callers who may no longer call, as soon as that is heard of. */
export function watchCallers(http: HttpServer, options: WatchCallersOptions): void {
  watchStreams(http, options);
  watchTurns(options);
}
