import { type Static, type TProperties, Type } from 'typebox';
import { Nullable, WireError } from '../../../platform/http/index.ts';
import { Message, ToolCall, Usage } from '../schemas.ts';

/** Each has a name of its own: a generated client calls those without one by their numbers, or leaves them out. */
function Event<const Name extends string, Fields extends TProperties>(title: string, type: Name, fields: Fields) {
  const all = { type: Type.Literal(type), turn_id: Type.String({ format: 'uuid' }), ...fields };
  return Type.Object(all, { title });
}

const Started = { session_id: Type.String({ format: 'uuid' }), message: Message };
const Completed = { status: Type.String({ enum: ['completed', 'stopped'] }), usage: Nullable(Usage) };

/** The data of each event of a turn. */
export const TurnEventData = Type.Union(
  [
    Event('TurnStarted', 'turn.started', Started),
    Event('MessageDelta', 'message.delta', { delta: Type.String({ description: 'What the answer goes on with.' }) }),
    Event('ToolStarted', 'tool.started', { tool_call: Type.Pick(ToolCall, ['id', 'name', 'arguments']) }),
    Event('ToolFinished', 'tool.finished', { tool_call: ToolCall }),
    Event('MessageCompleted', 'message.completed', { message: Message }),
    Event('TurnCompleted', 'turn.completed', Completed),
    Event('TurnFailed', 'error', { error: WireError }),
  ],
  { title: 'TurnEvent' },
);

type WithoutTurn<Data> = Data extends unknown ? Omit<Data, 'turn_id'> : never;

/** What happens in a turn, as its readers are told. */
export type TurnEventBody = WithoutTurn<Static<typeof TurnEventData>>;

/** An event with its number within the turn, from 1. */
export type TurnEvent = { id: number; turn_id: string } & TurnEventBody;
