import { type Static, type TSchema, Type } from 'typebox';
import { nullable, orNull } from './schema-parts.ts';

/*
 * Answers of OpenAI's chat completions. Providers add fields of their own, which are passed on: nothing here is closed.
 * The fields named here are checked before a whole answer is handed on (`read-answer.ts`), and filled in where a provider
 * left them out, so that they are what they say; of a piece, what is read of it.
 */

function open<Fields extends Record<string, TSchema>>(fields: Fields, name?: { readonly title: string }) {
  return Type.Object(fields, { ...name, additionalProperties: true });
}

const Tokens = Type.Integer({ minimum: 0 });

/** What a completion cost, in the provider's own count. */
const UsageSchema = open({ prompt_tokens: Tokens, completion_tokens: Tokens, total_tokens: Tokens });
export type Usage = Static<typeof UsageSchema>;

/** Google's own: an object, which it wants back with the call. */
const ExtraContent = Type.Optional(Type.Unknown());

/** What the model thought, which some want back with the calls that came of it: a text for DeepSeek, a list for OpenRouter. */
const thoughts = { reasoning_content: Type.Optional(Type.Unknown()), reasoning_details: Type.Optional(Type.Unknown()) };

const AnsweredToolCall = open({
  id: Type.String(),
  type: Type.String(),
  function: Type.Optional(open({ name: Type.String(), arguments: Type.String() })),
  custom: Type.Optional(open({ name: Type.String(), input: Type.String() })),
  extra_content: ExtraContent,
});
/** A call of a tool, complete. */
export type AnsweredToolCall = Static<typeof AnsweredToolCall>;

const AnsweredMessage = open({
  role: Type.String(),
  content: orNull(Type.String()),
  refusal: nullable(Type.String()),
  tool_calls: Type.Optional(Type.Array(AnsweredToolCall)),
  ...thoughts,
});
/** The assistant's message of a completion. */
export type AnsweredMessage = Static<typeof AnsweredMessage>;

/** Ours: the offline model stood in for the model that was asked for. */
const StandIn = Type.Optional(Type.Literal(true));

/** A whole answer. */
export const ChatCompletionSchema = open(
  {
    id: Type.String(),
    object: Type.Literal('chat.completion'),
    created: Type.Integer(),
    model: Type.String(),
    choices: Type.Array(
      open({ index: Type.Integer(), message: AnsweredMessage, finish_reason: orNull(Type.String()) }),
    ),
    usage: nullable(UsageSchema),
    degraded: StandIn,
  },
  { title: 'ChatCompletion' },
);
export type ChatCompletion = Static<typeof ChatCompletionSchema>;

const ToolCallDelta = open({
  index: Type.Optional(Type.Integer()),
  id: nullable(Type.String()),
  type: nullable(Type.String()),
  function: Type.Optional(open({ name: nullable(Type.String()), arguments: nullable(Type.String()) })),
  custom: Type.Optional(open({ name: nullable(Type.String()), input: nullable(Type.String()) })),
  extra_content: ExtraContent,
});
/** A piece of a call of a tool. */
export type ToolCallDelta = Static<typeof ToolCallDelta>;

const Delta = open({
  role: Type.Optional(Type.String()),
  content: nullable(Type.String()),
  refusal: nullable(Type.String()),
  tool_calls: nullable(Type.Array(ToolCallDelta)),
  ...thoughts,
});

/** A piece of a streamed answer. One with empty `choices` carries no text: the usage, say, which comes last. */
export const ChatCompletionChunkSchema = open(
  {
    id: Type.String(),
    object: Type.Literal('chat.completion.chunk'),
    created: Type.Integer(),
    model: Type.String(),
    choices: Type.Array(open({ index: Type.Integer(), delta: Delta, finish_reason: nullable(Type.String()) })),
    usage: nullable(UsageSchema),
    degraded: StandIn,
  },
  { title: 'ChatCompletionChunk' },
);
export type ChatCompletionChunk = Static<typeof ChatCompletionChunkSchema>;

/** A model that callers can ask for, as `GET /v1/models` lists it. `created` is in seconds since 1970. */
export const ModelInfoSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('model'),
    created: Type.Integer(),
    owned_by: Type.String(),
  },
  { title: 'Model' },
);
export type ModelInfo = Static<typeof ModelInfoSchema>;
