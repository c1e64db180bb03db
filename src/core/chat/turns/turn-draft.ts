import { type StoredToolCall, showToolCall, type ToolOutcome } from './tool-call.ts';
import type { TurnEventBody } from './turn-event.ts';

/**
 * What an assistant has come to in a turn: text and tool calls. With the lengths of the pieces in which the text came, the
 * same events can be told again, by any server, while the turn runs and for as long as its session is kept.
 */
export interface TurnDraft {
  readonly text: string;
  /** The length of each piece, in UTF-16 units. */
  readonly deltaChars: readonly number[];
  readonly toolCalls: readonly StoredToolCall[];
}

/** What a call is answered with that changed nothing before its turn ended. */
export const neverDone: ToolOutcome = { result: { error: 'The turn ended before this was done.' }, is_error: true };

/** What a call that still runs, or may, is answered with when its turn ends. */
export const cutOff: ToolOutcome = {
  result: { error: 'The turn ended before this was done; it may have had an effect.' },
  is_error: true,
  is_unsure: true,
};

export const toolStarted = ({ id, name, arguments: input }: StoredToolCall): TurnEventBody => ({
  type: 'tool.started',
  tool_call: { id, name, arguments: input },
});

export const toolFinished = (call: StoredToolCall): TurnEventBody => ({
  type: 'tool.finished',
  tool_call: showToolCall(call),
});

/**
 * The events of a draft, in their order: the calls of a step are all begun, then finished one after the other; text comes
 * only when they are. Of a later state of the same draft, the same events and then more.
 */
export function* draftEvents({ text, deltaChars, toolCalls }: TurnDraft): Generator<TurnEventBody> {
  const steps = Map.groupBy(toolCalls, (call) => call.step);
  const pieces = deltaChars.values();
  let toldChars = 0;
  for (const calls of steps.values()) {
    while (toldChars < (calls[0]?.at ?? 0)) {
      const chars = pieces.next().value ?? 0;
      yield { type: 'message.delta', delta: text.slice(toldChars, toldChars + chars) };
      toldChars += chars;
    }
    yield* calls.map(toolStarted);
    for (const call of calls) {
      if (call.is_error === undefined) return;
      yield toolFinished(call);
    }
  }
  for (const chars of pieces) {
    yield { type: 'message.delta', delta: text.slice(toldChars, toldChars + chars) };
    toldChars += chars;
  }
}
