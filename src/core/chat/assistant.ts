import type { CallContext } from '../../base/call-context.ts';
import type { PlainCommands } from '../models/index.ts';

/** Who a tool acts for, and how long it may take. Never from the model's arguments. */
export interface ToolCallContext {
  readonly userId: string;
  /** Its deadline is what is left of the turn's. */
  readonly context: CallContext;
}

/** Something that an assistant may do, as turns run it. */
export interface Tool {
  /** Its assistant's name, an underscore, and what it does. */
  readonly name: string;
  /** Read by the model. */
  readonly description: string;
  /** JSON Schema of the input, read by the model; an input that does not fit is not run. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Whether it changes anything. */
  readonly writes: boolean;
  /**
   * Runs it with an input that fits. What it returns is told to the model as JSON.
   * @throws AppError with a message that is told to the model; any other error is told as a failure without details.
   */
  run(input: unknown, call: ToolCallContext): Promise<unknown>;
}

/** An assistant, as turns run it. */
export interface Assistant {
  readonly name: string;
  /** For people who choose one. */
  readonly description: string;
  /** Told to the model before the conversation. */
  readonly instructions: string;
  readonly tools: readonly Tool[];
  /** What works without a model. */
  readonly commands?: PlainCommands;
}
