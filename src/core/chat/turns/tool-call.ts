import type { ToolCall } from '../schemas.ts';

/** What came of a tool call. */
export interface ToolOutcome {
  /** What the tool answered; of an error, `{ error }` with what the model is told. */
  result: unknown;
  is_error: boolean;
  /** Of an error: it may have had an effect all the same. */
  is_unsure?: true;
}

/** A tool call of a turn, as it is stored. Without a result, it still runs. */
export interface StoredToolCall extends Partial<ToolOutcome> {
  /** Unique within the turn. */
  id: string;
  name: string;
  /** As parsed; the model's own text where that was not valid JSON. */
  arguments: unknown;
  /** Which round of the turn's calls it belongs to, from 1. */
  step: number;
  /** How many characters of the answer came before it, in UTF-16 units. */
  at: number;
  /** What a provider wants back with the call while the same message is answered: Google refuses the next step without. */
  extra_content?: Record<string, unknown>;
}

/** A tool call as users read it. */
export function showToolCall({ id, name, arguments: input, result, is_error }: StoredToolCall): ToolCall {
  return { id, name, arguments: input, result: result ?? null, is_error: is_error ?? false };
}
