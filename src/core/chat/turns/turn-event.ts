import { type Static, type TProperties, Type } from 'typebox';
import { Nullable, WireError } from '../../../platform/http/index.ts';
import { Message, ToolCall, Usage } from '../schemas.ts';

function Event<const Name extends string, Fields extends TProperties>(type: Name, fields: Fields) {
  return Type.Object({ type: Type.Literal(type), turn_id: Type.String({ format: 'uuid' }), ...fields });
}

/** The data of each event of a turn. */
export const TurnEventData = Type.Union(
  [
    Event('turn.started', { session_id: Type.String({ format: 'uuid' }), message: Message }),
    Event('message.delta', { delta: Type.String({ description: 'What the answer goes on with.' }) }),
    Event('tool.started', { tool_call: Type.Pick(ToolCall, ['id', 'name', 'arguments']) }),
    Event('tool.finished', { tool_call: ToolCall }),
    Event('message.completed', { message: Message }),
    Event('turn.completed', { status: Type.String({ enum: ['completed', 'stopped'] }), usage: Nullable(Usage) }),
    Event('error', { error: WireError }),
  ],
  { title: 'TurnEvent' },
);

type WithoutTurn<Data> = Data extends unknown ? Omit<Data, 'turn_id'> : never;

/** What happens in a turn, as its readers are told. */
export type TurnEventBody = WithoutTurn<Static<typeof TurnEventData>>;

/** An event with its number within the turn, from 1. */
export type TurnEvent = { id: number; turn_id: string } & TurnEventBody;
