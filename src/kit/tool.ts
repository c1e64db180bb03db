import type { Static, TObject, TProperties } from 'typebox';
import type { AssistantContext } from './context.ts';

/** A tool as an assistant declares it. */
export interface ToolDefinition<Input extends TObject> {
  /** What it does, in lower case: `add` of the assistant `todo` is the tool `todo_add`. */
  readonly name: string;
  /** What the model reads: what the tool is for, and when to use it. */
  readonly description: string;
  /** What the model fills in. An input that does not fit is not run. */
  readonly input: Input;
  /** Whether it changes anything. Those that do not may run side by side. */
  readonly writes: boolean;
  /**
   * Does it, for the user of the context. What it returns is told to the model as JSON.
   * @throws AppError with a message for the model; any other error is told as a failure without details.
   */
  run(input: Static<Input>, context: AssistantContext): Promise<unknown>;
}

/** A tool of any input. */
export type AssistantTool = ToolDefinition<TObject<TProperties>>;

/** Declares a tool of an assistant. */
export function defineTool<Input extends TObject>(tool: ToolDefinition<Input>): AssistantTool {
  // What the input is, only its own handler knows; whoever runs it checks the input against the schema first.
  return tool as unknown as AssistantTool;
}
