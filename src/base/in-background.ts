import type { CallContext } from './call-context.ts';
import { Deadline } from './deadline.ts';
import { Timings } from './timings.ts';

/** Runs one piece of work that belongs to no request that waits for it, with a deadline of its own. */
export async function inBackground<Result>(
  { requestId, budgetMs, trace }: Pick<CallContext, 'requestId' | 'trace'> & { readonly budgetMs: number },
  work: (context: CallContext) => Promise<Result>,
): Promise<Result> {
  const deadline = Deadline.after(budgetMs);
  try {
    return await work({ deadline, timings: new Timings(), requestId, trace });
  } finally {
    deadline.end();
  }
}
