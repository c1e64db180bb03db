import type { Static, TObject, TProperties } from 'typebox';
import type { AssistantContext } from './context.ts';

/** A job as an assistant declares it: work for later. */
export interface AssistantJobDefinition<Input extends TObject> {
  /** What it does, in lower case: `send_summary` of the assistant `todo` is the job `todo.send_summary`. */
  readonly name: string;
  /** The payload, beside the `user_id` that every payload has: on whose behalf it runs. */
  readonly input: Input;
  /** Tries before it is set aside: 10, over three hours. */
  readonly maxAttempts?: number;
  /** How long a try may take, in milliseconds: 60,000. */
  readonly budgetMs?: number;
  /**
   * Does it, for the user of the context. At least once: what it changes must be right also when it is done twice. A
   * throw is tried again later, unless it is `UnrecoverableError`.
   */
  run(input: Static<Input>, context: AssistantContext): Promise<unknown>;
}

/** A job of any input. */
export type AssistantJob = AssistantJobDefinition<TObject<TProperties>>;

/** Declares a job of an assistant. It is enqueued in SQL, by a statement of the assistant's `queries.ts`. */
export function defineAssistantJob<Input extends TObject>(job: AssistantJobDefinition<Input>): AssistantJob {
  // As with tools: the payload is checked against the schema before the handler sees it.
  return job as unknown as AssistantJob;
}
