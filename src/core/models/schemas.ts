import { type Static, Type } from 'typebox';

import { MessageSchema, TextContentSchema, ToolNameSchema } from './message-schema.ts';
import { anyObject, closed, nullable, stringOr, stringOrNullOr, word } from './schema-parts.ts';

const MAX_TOKENS = 2 ** 31 - 1;

const FunctionDefinition = closed({
  name: ToolNameSchema,
  description: Type.Optional(Type.String()),
  parameters: Type.Optional(anyObject),
  strict: nullable(Type.Boolean()),
});

/** A tool that the model may call; `function` or `custom`, as its `type` says. */
const ToolSchema = closed({
  type: word(['function', 'custom']),
  function: Type.Optional(FunctionDefinition),
  custom: Type.Optional(
    closed({
      name: ToolNameSchema,
      description: Type.Optional(Type.String()),
      format: Type.Optional(
        closed({
          type: word(['text', 'grammar']),
          grammar: Type.Optional(closed({ definition: Type.String(), syntax: word(['lark', 'regex']) })),
        }),
      ),
    }),
  ),
});
export type Tool = Static<typeof ToolSchema>;

const Named = Type.Optional(closed({ name: ToolNameSchema }));

const ToolChoice = stringOr(
  closed({
    type: word(['function', 'custom', 'allowed_tools']),
    function: Named,
    custom: Named,
    allowed_tools: Type.Optional(
      closed({ mode: word(['auto', 'required']), tools: Type.Array(anyObject, { maxItems: 128 }) }),
    ),
  }),
  ['none', 'auto', 'required'],
);

const ResponseFormat = closed({
  type: word(['text', 'json_object', 'json_schema']),
  json_schema: Type.Optional(
    closed({
      name: ToolNameSchema,
      description: Type.Optional(Type.String()),
      schema: Type.Optional(anyObject),
      strict: nullable(Type.Boolean()),
    }),
  ),
});

const WebSearchOptions = closed({
  search_context_size: Type.Optional(word(['low', 'medium', 'high'])),
  user_location: nullable(
    closed({
      type: word(['approximate']),
      approximate: closed({
        city: Type.Optional(Type.String()),
        country: Type.Optional(Type.String()),
        region: Type.Optional(Type.String()),
        timezone: Type.Optional(Type.String()),
      }),
    }),
  ),
});

const ModerationStep = nullable(closed({ mode: word(['score', 'block']) }));

/**
 * The body of OpenAI's `POST /v1/chat/completions`: every field it documents, and no other. What a schema cannot say
 * well (which fields go together) is checked by `validateRequest`. For a validator that neither coerces types nor removes
 * fields.
 */
export const CompletionRequestSchema = closed({
  messages: Type.Array(MessageSchema, { minItems: 1, maxItems: 2_000 }),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  audio: nullable(
    closed({
      format: word(['wav', 'aac', 'mp3', 'flac', 'opus', 'pcm16']),
      voice: stringOr(closed({ id: Type.String({ minLength: 1 }) })),
    }),
  ),
  frequency_penalty: nullable(Type.Number({ minimum: -2, maximum: 2 })),
  function_call: Type.Optional(stringOr(closed({ name: ToolNameSchema }), ['none', 'auto'])),
  functions: Type.Optional(Type.Array(FunctionDefinition, { minItems: 1, maxItems: 128 })),
  logit_bias: nullable(
    Type.Unsafe<Record<string, number>>({
      type: 'object',
      additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
    }),
  ),
  logprobs: nullable(Type.Boolean()),
  max_completion_tokens: nullable(Type.Integer({ minimum: 1, maximum: MAX_TOKENS })),
  max_tokens: nullable(Type.Integer({ minimum: 1, maximum: MAX_TOKENS })),
  metadata: nullable(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      maxProperties: 16,
      propertyNames: { maxLength: 64 },
      additionalProperties: { type: 'string', maxLength: 512 },
    }),
  ),
  modalities: nullable(Type.Array(word(['text', 'audio']), { maxItems: 2 })),
  moderation: nullable(
    closed({
      model: Type.String({ minLength: 1 }),
      policy: nullable(closed({ input: ModerationStep, output: ModerationStep })),
    }),
  ),
  n: nullable(Type.Integer({ minimum: 1, maximum: 8 })),
  parallel_tool_calls: Type.Optional(Type.Boolean()),
  prediction: nullable(closed({ type: word(['content']), content: TextContentSchema })),
  presence_penalty: nullable(Type.Number({ minimum: -2, maximum: 2 })),
  prompt_cache_key: nullable(Type.String()),
  prompt_cache_options: Type.Optional(
    closed({ mode: Type.Optional(word(['implicit', 'explicit'])), ttl: Type.Optional(word(['30m'])) }),
  ),
  prompt_cache_retention: nullable(word(['in_memory', '24h'])),
  reasoning_effort: nullable(word(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  response_format: Type.Optional(ResponseFormat),
  safety_identifier: nullable(Type.String()),
  seed: nullable(Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })),
  service_tier: nullable(word(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])),
  stop: Type.Optional(stringOrNullOr(Type.Array(Type.String(), { maxItems: 4 }))),
  store: nullable(Type.Boolean()),
  stream: nullable(Type.Boolean()),
  stream_options: nullable(
    closed({ include_obfuscation: Type.Optional(Type.Boolean()), include_usage: Type.Optional(Type.Boolean()) }),
  ),
  temperature: nullable(Type.Number({ minimum: 0, maximum: 2 })),
  tool_choice: Type.Optional(ToolChoice),
  tools: Type.Optional(Type.Array(ToolSchema, { minItems: 1, maxItems: 128 })),
  top_logprobs: nullable(Type.Integer({ minimum: 0, maximum: 20 })),
  top_p: nullable(Type.Number({ minimum: 0, maximum: 1 })),
  user: Type.Optional(Type.String()),
  verbosity: nullable(word(['low', 'medium', 'high'])),
  web_search_options: Type.Optional(WebSearchOptions),
});
export type CompletionRequest = Static<typeof CompletionRequestSchema>;
