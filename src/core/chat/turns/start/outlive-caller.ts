import type { CallContext } from '../../../../base/call-context.ts';
import { Cancelled, Deadline } from '../../../../base/deadline.ts';
import type { Logger } from '../../../../platform/log/index.ts';

/**
 * Has work go on when its caller leaves, for the time that the caller had left: a message that is stored by then must be
 * answered. The caller is told as soon as its own deadline ends; what goes wrong after it has left is logged.
 */
export async function outliveCaller<Result>(
  caller: CallContext,
  log: Logger,
  work: (context: CallContext) => Promise<Result>,
): Promise<Result> {
  caller.deadline.throwIfEnded();
  const deadline = Deadline.after(caller.deadline.remainingMs());
  const working = work({ ...caller, deadline }).finally(() => deadline.end());
  working.catch((error) => {
    if (!(caller.deadline.reason instanceof Cancelled)) return;
    log.warn({ err: error, request_id: caller.requestId }, 'could not start a turn whose caller had left');
  });
  return await caller.deadline.race(working);
}
