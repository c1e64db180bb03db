import type { CallContext } from './call-context.ts';
import { Deadline } from './deadline.ts';
import { newId } from './ids.ts';
import { Timings } from './timings.ts';

/**
 * Runs one piece of work that belongs to no request that waits for it, with a deadline and, unless it is given one, an id
 * of its own.
 */
export async function inBackground<Result>(
  {
    budgetMs,
    requestId = newId(),
    trace,
  }: { readonly budgetMs: number } & Partial<Pick<CallContext, 'requestId' | 'trace'>>,
  work: (context: CallContext) => Promise<Result>,
): Promise<Result> {
  const deadline = Deadline.after(budgetMs);
  try {
    return await work({ deadline, timings: new Timings(), requestId, trace });
  } finally {
    deadline.end();
  }
}
