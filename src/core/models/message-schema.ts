import { type Static, Type } from 'typebox';

import { anyObject, closed, nullable, stringOr, stringOrNullOr, word } from './schema-parts.ts';

/** The name of a function or custom tool, as OpenAI bounds it. */
export const ToolNameSchema = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}$' });

const CacheBreakpoint = Type.Optional(closed({ mode: word(['explicit']), ttl: Type.Optional(word(['30m', '12h'])) }));

/** Fields of an answer that clients send back with it, beside those that other messages have too. */
export const answerFields = {
  annotations: nullable(Type.Array(anyObject)),
  reasoning_content: nullable(Type.String()),
  reasoning: nullable(Type.String()),
  parsed: Type.Optional(Type.Unknown()),
  // What Groq and Mistral add to one.
  executed_tools: nullable(Type.Array(anyObject)),
  prefix: nullable(Type.Boolean()),
  // What OpenRouter, LiteLLM and Google add to one, and want back.
  reasoning_details: nullable(Type.Array(anyObject)),
  thinking_blocks: nullable(Type.Array(anyObject)),
  images: nullable(Type.Array(anyObject)),
  provider_specific_fields: nullable(anyObject),
  extra_content: nullable(anyObject),
};

const SpokenAnswer = closed({
  id: Type.String({ minLength: 1 }),
  // What an answer has beside its id, and clients send back with it.
  data: Type.Optional(Type.String()),
  expires_at: Type.Optional(Type.Integer()),
  transcript: Type.Optional(Type.String()),
});

/** All of an answer but its text: @openai/agents sends that back within the text, beside where it belongs. */
export const copiedFields = {
  role: Type.Optional(word(['assistant'])),
  tool_calls: nullable(Type.Array(anyObject)),
  function_call: nullable(anyObject),
  audio: nullable(SpokenAnswer),
  ...answerFields,
};

/** A piece of a message; the field named by its `type` holds it (`validateRequest` sees to that). */
const ContentPartSchema = closed({
  type: word(['text', 'image_url', 'input_audio', 'file', 'refusal']),
  text: Type.Optional(Type.String()),
  image_url: Type.Optional(
    closed({ url: Type.String({ minLength: 1 }), detail: Type.Optional(word(['auto', 'low', 'high', 'original'])) }),
  ),
  input_audio: Type.Optional(closed({ data: Type.String(), format: word(['wav', 'mp3']) })),
  file: Type.Optional(
    closed({
      file_data: Type.Optional(Type.String()),
      file_id: Type.Optional(Type.String()),
      filename: Type.Optional(Type.String()),
    }),
  ),
  refusal: nullable(Type.String()),
  prompt_cache_breakpoint: CacheBreakpoint,
  ...copiedFields,
});
export type ContentPart = Static<typeof ContentPartSchema>;

const contentParts = Type.Array(ContentPartSchema, { minItems: 1, maxItems: 2_000 });

/** Text, or pieces of it that are all of type `text` (`validateRequest` sees to that). */
export const TextContentSchema = stringOr(contentParts);

/** The name of a tool as a model called it: whatever the model wrote. */
const CalledName = Type.String({ minLength: 1 });

const CalledFunction = closed({
  name: CalledName,
  arguments: Type.String(),
  // What the openai package adds when it parses a call, and sends back with the message.
  parsed_arguments: Type.Optional(Type.Unknown()),
});

/** A call that the assistant made of a tool. */
const ToolCallSchema = closed({
  id: Type.String({ minLength: 1 }),
  type: word(['function', 'custom']),
  function: Type.Optional(CalledFunction),
  custom: Type.Optional(closed({ name: CalledName, input: Type.String() })),
  // Clients that put a call together from deltas keep the delta's index; Google's endpoints and LiteLLM need their own fields back.
  index: Type.Optional(Type.Integer({ minimum: 0 })),
  extra_content: Type.Optional(anyObject),
  provider_specific_fields: nullable(anyObject),
});
export type ToolCall = Static<typeof ToolCallSchema>;

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'] as const;
export type Role = (typeof roles)[number];

/**
 * A message of any role. One schema for all, so that a wrong field is named and not the whole message; which fields go
 * with which role is checked by `validateRequest`.
 */
export const MessageSchema = closed({
  role: word(roles),
  content: Type.Optional(stringOrNullOr(contentParts)),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  tool_call_id: Type.Optional(Type.String({ minLength: 1 })),
  tool_calls: nullable(Type.Array(ToolCallSchema, { maxItems: 256 })),
  refusal: nullable(Type.String()),
  audio: nullable(SpokenAnswer),
  function_call: nullable(closed({ name: CalledName, arguments: Type.String() })),
  ...answerFields,
});
export type Message = Static<typeof MessageSchema>;
