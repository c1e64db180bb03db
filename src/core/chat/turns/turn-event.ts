import type { WireError } from '../../../platform/http/index.ts';
import type { Message, ToolCall, Usage } from '../schemas.ts';

/** What happens in a turn, as its readers are told. */
export type TurnEventBody =
  | { type: 'turn.started'; session_id: string; message: Message }
  | { type: 'message.delta'; delta: string }
  | { type: 'tool.started'; tool_call: Pick<ToolCall, 'id' | 'name' | 'arguments'> }
  | { type: 'tool.finished'; tool_call: ToolCall }
  | { type: 'message.completed'; message: Message }
  | { type: 'turn.completed'; status: string; usage: Usage | null }
  | { type: 'error'; error: WireError };

/** An event with its number within the turn, from 1. */
export type TurnEvent = { id: number; turn_id: string } & TurnEventBody;
