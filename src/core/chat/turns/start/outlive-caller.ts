import type { CallContext } from '../../../../base/call-context.ts';
import { Deadline } from '../../../../base/deadline.ts';
import type { Logger } from '../../../../platform/log/index.ts';

/** What outliving a caller needs. */
export interface OutliveOptions {
  readonly log: Logger;
  /** How long the work may take beyond the time that the caller has left, in milliseconds: as long as a statement. */
  readonly marginMs: number;
}

/**
 * Has work go on when its caller leaves or has no time left, and then for a margin more: a message that is stored by then must
 * be answered. With the caller's time alone, what is stored as that ends would be stored and never run. The caller is told as
 * soon as its own deadline ends; what goes wrong after that is logged.
 */
export async function outliveCaller<Result>(
  caller: CallContext,
  { log, marginMs }: OutliveOptions,
  work: (context: CallContext) => Promise<Result>,
): Promise<Result> {
  caller.deadline.throwIfEnded();
  const deadline = Deadline.after(caller.deadline.remainingMs() + marginMs);
  const working = work({ ...caller, deadline }).finally(() => deadline.end());
  working.catch((error) => {
    if (caller.deadline.reason === undefined) return;
    log.warn({ err: error, request_id: caller.requestId }, 'could not start a turn whose caller had left');
  });
  return await caller.deadline.race(working);
}
