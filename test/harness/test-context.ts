import type { CallContext } from '../../src/base/call-context.ts';
import { Deadline } from '../../src/base/deadline.ts';
import { newId } from '../../src/base/ids.ts';
import { Timings } from '../../src/base/timings.ts';

/** The context of a caller who has so many milliseconds. */
export function testContext(budgetMs = 30_000): CallContext {
  return { deadline: Deadline.after(budgetMs), timings: new Timings(), requestId: newId() };
}
