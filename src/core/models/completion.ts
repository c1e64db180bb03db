import { type Static, type TSchema, Type } from 'typebox';

/*
 * Answers of OpenAI's chat completions. Providers add fields of their own, which are passed on: nothing here is closed.
 * The fields named here are checked before a whole answer is handed on (`read-answer.ts`), and filled in where a provider
 * left them out, so that they are what they say; of a piece, what is read of it.
 */

function open<Fields extends Record<string, TSchema>>(fields: Fields) {
  return Type.Object(fields, { additionalProperties: true });
}

function orNull<Schema extends TSchema>(schema: Schema) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: [(schema as { type?: string }).type, 'null'] });
}

const Tokens = Type.Integer({ minimum: 0 });

/** What a completion cost, in the provider's own count. */
export const UsageSchema = open({ prompt_tokens: Tokens, completion_tokens: Tokens, total_tokens: Tokens });
export type Usage = Static<typeof UsageSchema>;

/** Google's own: an object, which it wants back with the call. */
const ExtraContent = Type.Optional(Type.Unknown());

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
  refusal: Type.Optional(orNull(Type.String())),
  tool_calls: Type.Optional(Type.Array(AnsweredToolCall)),
});
/** The assistant's message of a completion. */
export type AnsweredMessage = Static<typeof AnsweredMessage>;

/** Ours: the offline model stood in for the model that was asked for. */
const StandIn = Type.Optional(Type.Literal(true));

/** A whole answer. */
export const ChatCompletionSchema = open({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(open({ index: Type.Integer(), message: AnsweredMessage, finish_reason: orNull(Type.String()) })),
  usage: Type.Optional(orNull(UsageSchema)),
  degraded: StandIn,
});
export type ChatCompletion = Static<typeof ChatCompletionSchema>;

const ToolCallDelta = open({
  index: Type.Optional(Type.Integer()),
  id: Type.Optional(orNull(Type.String())),
  type: Type.Optional(orNull(Type.String())),
  function: Type.Optional(
    open({ name: Type.Optional(orNull(Type.String())), arguments: Type.Optional(orNull(Type.String())) }),
  ),
  custom: Type.Optional(
    open({ name: Type.Optional(orNull(Type.String())), input: Type.Optional(orNull(Type.String())) }),
  ),
  extra_content: ExtraContent,
});
/** A piece of a call of a tool. */
export type ToolCallDelta = Static<typeof ToolCallDelta>;

const Delta = open({
  role: Type.Optional(Type.String()),
  content: Type.Optional(orNull(Type.String())),
  refusal: Type.Optional(orNull(Type.String())),
  tool_calls: Type.Optional(orNull(Type.Array(ToolCallDelta))),
});

/** A piece of a streamed answer. One with empty `choices` carries no text: the usage, say, which comes last. */
export const ChatCompletionChunkSchema = open({
  id: Type.String(),
  object: Type.Literal('chat.completion.chunk'),
  created: Type.Integer(),
  model: Type.String(),
  choices: Type.Array(
    open({ index: Type.Integer(), delta: Delta, finish_reason: Type.Optional(orNull(Type.String())) }),
  ),
  usage: Type.Optional(orNull(UsageSchema)),
  degraded: StandIn,
});
export type ChatCompletionChunk = Static<typeof ChatCompletionChunkSchema>;

/** A model that callers can ask for, as `GET /v1/models` lists it. `created` is in seconds since 1970. */
export const ModelInfoSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer(),
  owned_by: Type.String(),
});
export type ModelInfo = Static<typeof ModelInfoSchema>;
