import { inBackground } from '../base/in-background.ts';
import { Later } from '../base/later.ts';
import { type CallerCache, signInErrors } from '../core/accounts/index.ts';
import type { TurnRunner } from '../core/chat/index.ts';
import { type Authentication, readCredential, userKey } from '../core/keys/index.ts';
import type { TokenBudget } from '../core/plans/index.ts';
import { type HttpServer, permissionsOf, watchAnswers } from '../platform/http/index.ts';

/** What watching needs. */
export interface WatchCallersOptions {
  readonly callers: Pick<CallerCache, 'onChange' | 'get'>;
  readonly authentication: Pick<Authentication, 'identify' | 'authorize'>;
  readonly turns: Pick<TurnRunner, 'users' | 'endTurnsOf'>;
  readonly tokenBudget: Pick<TokenBudget, 'doubt'>;
}

/** For finding out whether a caller may still call. */
const BUDGET_MS = 5_000;

/**
 * Ends the turns of users who are disabled or erased; those of a user whose key was revoked go on. Where it cannot be told,
 * a turn goes on, and its user is looked at again.
 */
function watchTurns({ callers, turns }: WatchCallersOptions): void {
  const check = async (userId: string): Promise<void> => {
    const user = await inBackground({ budgetMs: BUDGET_MS }, (context) => callers.get(userKey(userId), context));
    if (user === undefined || user.isDisabled) turns.endTurnsOf(userId, signInErrors.raise.user_disabled());
  };
  const recheck = (userId: string): void => void check(userId).catch(() => later.add(userId));
  const later = new Later<string>((userId) => {
    if (turns.users.has(userId)) recheck(userId);
  });
  callers.onChange((changedId) => {
    for (const userId of turns.users) if (changedId === undefined || changedId === userId) recheck(userId);
  });
}

/**
 * Ends what is under way for callers who may no longer call, as soon as that is heard of. Who was changed may be on another
 * plan: what they used is read again; where the change was not heard of, within minutes.
 */
export function watchCallers(http: HttpServer, options: WatchCallersOptions): void {
  const { callers, authentication, tokenBudget } = options;
  const recheckAnswers = watchAnswers(http, (request) =>
    inBackground({ requestId: request.id, budgetMs: BUDGET_MS }, async (context) => {
      const credential = readCredential(request) ?? '';
      const caller = await authentication.identify(credential, { ip: request.ip, context, isUse: false });
      for (const permission of permissionsOf(request.routeOptions.config)) {
        authentication.authorize({ caller }, permission);
      }
    }),
  );
  callers.onChange((userId) => recheckAnswers(({ caller }) => userId === undefined || caller.userId === userId));
  callers.onChange((userId) => {
    if (userId !== undefined) tokenBudget.doubt(userId);
  });
  watchTurns(options);
}
