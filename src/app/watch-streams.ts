import { inBackground } from '../base/in-background.ts';
import type { CallerCache } from '../core/accounts/index.ts';
import { type Authentication, readCredential } from '../core/keys/index.ts';
import { type HttpServer, recheckStreams } from '../platform/http/index.ts';

/** What watching needs. */
export interface WatchStreamsOptions {
  readonly callers: Pick<CallerCache, 'onChange'>;
  readonly authentication: Pick<Authentication, 'identify'>;
}

/** For finding out whether a caller may still call. */
const BUDGET_MS = 5_000;

/** Ends the event streams of callers who may no longer call, as soon as that is heard of. */
export function watchStreams(http: HttpServer, { callers, authentication }: WatchStreamsOptions): void {
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
