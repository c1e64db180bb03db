import type { Deadline } from './deadline.ts';
import type { Span } from './span.ts';
import type { Timings } from './timings.ts';

/** What a request passes down to every call made on its behalf, explicitly, as the last argument. */
export interface CallContext {
  readonly deadline: Deadline;
  readonly timings: Timings;
  /** The `x-request-id` of the request, or a job's id; ties log lines together. */
  readonly requestId: string;
  /** Its step of a trace, where somebody traces. */
  readonly trace?: Span | undefined;
}
