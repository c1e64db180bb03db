import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

import { CompletionRequestSchema } from './schemas.ts';

// As `platform/http` validates a body, and stricter with the schema itself.
const ajv = new Ajv2020({ coerceTypes: false, removeAdditional: false, allErrors: false, strict: true });
const validate = ajv.compile(CompletionRequestSchema);

const messages = [{ role: 'user', content: 'Hello' }];

/** The field at fault: what the deepest error is about, which is the furthest into the branch that was meant. */
function findFault(body: object): string | undefined {
  if (validate(body)) return undefined;
  const paths = (validate.errors ?? []).map(({ instancePath, params }) => {
    const field = params.additionalProperty ?? params.missingProperty;
    return field === undefined ? instancePath : `${instancePath}/${field}`;
  });
  const depth = (path: string) => path.split('/').length;
  return paths.reduce((best, path) => (depth(path) > depth(best) ? path : best));
}

const everything = {
  model: 'm',
  messages: [
    { role: 'developer', content: 'Be kind.', name: 'dev' },
    { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'See', prompt_cache_breakpoint: { mode: 'explicit' } },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
        { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
        { type: 'file', file: { file_id: 'file-1' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      refusal: null,
      audio: null,
      annotations: [],
      function_call: null,
      reasoning_content: 'hm',
      reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: 's' }],
      thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }],
      images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }],
      provider_specific_fields: { citations: null },
      extra_content: { google: { thought_signature: 's' } },
      executed_tools: [{ type: 'search', index: 0 }],
      prefix: false,
      tool_calls: [
        {
          ...{ id: 'call_1', type: 'function', provider_specific_fields: { thought_signature: 's' } },
          function: { name: 'add', arguments: '{}', parsed_arguments: null },
        },
        { id: 'call_2', type: 'custom', custom: { name: 'run', input: 'x' } },
      ],
      parsed: null,
    },
    { role: 'assistant', content: [{ type: 'text', text: 'x', role: 'assistant', refusal: null, annotations: [] }] },
    { role: 'assistant', audio: { id: 'audio_1', data: 'AAAA', expires_at: 1_800_000_000, transcript: 'Hello' } },
    { role: 'tool', tool_call_id: 'call_1', content: 'done' },
    { role: 'function', name: 'old', content: null },
  ],
  audio: { format: 'mp3', voice: 'alloy' },
  frequency_penalty: 0,
  function_call: 'auto',
  functions: [{ name: 'old' }],
  logit_bias: { '50256': -100 },
  logprobs: true,
  max_completion_tokens: 1,
  max_tokens: null,
  metadata: { a: 'b' },
  modalities: ['text'],
  moderation: { model: 'm', policy: { input: { mode: 'score' }, output: null } },
  n: 2,
  parallel_tool_calls: false,
  prediction: { type: 'content', content: 'x' },
  presence_penalty: null,
  prompt_cache_key: 'k',
  prompt_cache_options: { mode: 'implicit' },
  prompt_cache_retention: '24h',
  reasoning_effort: 'low',
  response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' }, strict: true } },
  safety_identifier: 's',
  seed: 1,
  service_tier: 'auto',
  stop: ['a', 'b'],
  store: false,
  stream: true,
  stream_options: { include_usage: true },
  temperature: 0.7,
  tool_choice: { type: 'function', function: { name: 'add' } },
  tools: [
    { type: 'function', function: { name: 'add', description: 'd', parameters: { type: 'object' }, strict: null } },
    { type: 'custom', custom: { name: 'run', format: { type: 'text' } } },
  ],
  top_logprobs: 3,
  top_p: 1,
  user: 'u',
  verbosity: 'low',
  web_search_options: { search_context_size: 'low', user_location: null },
};

describe('the schema of a completion request', () => {
  it('takes every documented field', () => {
    expect(validate(everything), JSON.stringify(validate.errors)).toBe(true);
    expect(Object.keys(CompletionRequestSchema.properties).sort()).toEqual(Object.keys(everything).sort());
  });

  it.each(['tool_choice', 'stop', 'audio', 'function_call'] as const)('takes %s in its other form too', (field) => {
    const other = {
      tool_choice: 'required',
      stop: 'end',
      audio: { format: 'wav', voice: { id: 'voice_1' } },
      function_call: { name: 'old' },
    };
    expect(findFault({ messages, [field]: other[field] })).toBeUndefined();
  });

  it.each<[string, object]>([
    ['/messages', {}],
    ['/messages', { messages: [] }],
    ['/messages', { messages: Array.from({ length: 2_001 }, () => messages[0]) }],
    ['/messages', { messages: 'Hello' }],
    ['/messages/0', { messages: ['Hello'] }],
    ['/messages/0/role', { messages: [{ content: 'Hello' }] }],
    ['/messages/0/role', { messages: [{ role: 'User', content: 'Hello' }] }],
    ['/messages/0/content', { messages: [{ role: 'user', content: 7 }] }],
    ['/messages/0/content', { messages: [{ role: 'user', content: [] }] }],
    ['/messages/0/content/0', { messages: [{ role: 'user', content: ['Hello'] }] }],
    ['/messages/0/content/1/type', { messages: [{ role: 'user', content: [{ type: 'text' }, { type: 'video' }] }] }],
    [
      '/messages/0/content/0/image_url/url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
    ],
    ['/messages/0/user_id', { messages: [{ role: 'user', content: 'x', user_id: '1' }] }],
    ['/messages/0/tool_calls/0/id', { messages: [{ role: 'assistant', tool_calls: [{ type: 'function' }] }] }],
    ['/model', { messages, model: '' }],
    ['/n', { messages, n: 0 }],
    ['/n', { messages, n: 1_000 }],
    ['/n', { messages, n: 1.5 }],
    ['/max_tokens', { messages, max_tokens: 0 }],
    ['/max_tokens', { messages, max_tokens: -1 }],
    ['/max_tokens', { messages, max_tokens: 2 ** 53 + 2 }],
    ['/max_completion_tokens', { messages, max_completion_tokens: 0 }],
    ['/temperature', { messages, temperature: '1' }],
    ['/temperature', { messages, temperature: 2.1 }],
    ['/top_p', { messages, top_p: -0.1 }],
    ['/stop', { messages, stop: ['a', 'b', 'c', 'd', 'e'] }],
    ['/stop/1', { messages, stop: ['a', 1] }],
    ['/stream', { messages, stream: 'yes' }],
    ['/stream_options/include', { messages, stream_options: { include: true } }],
    ['/tools', { messages, tools: [] }],
    ['/tools/0/type', { messages, tools: [{ type: 'Function' }] }],
    ['/tools/0/function/name', { messages, tools: [{ type: 'function', function: { name: 'a b' } }] }],
    ['/tool_choice', { messages, tool_choice: 'any' }],
    ['/tool_choice/type', { messages, tool_choice: {} }],
    ['/response_format/type', { messages, response_format: { type: 'json' } }],
    ['/logit_bias/50256', { messages, logit_bias: { '50256': 101 } }],
    ['/metadata/a', { messages, metadata: { a: 1 } }],
    ['/reasoning_effort', { messages, reasoning_effort: 'extreme' }],
    ['/user_id', { messages, user_id: 'someone' }],
    ['/__proto__', JSON.parse('{"messages":[{"role":"user","content":"x"}],"__proto__":{"n":1}}')],
  ])('names %s when that is at fault', (fault, body) => {
    expect(findFault(body)).toBe(fault);
  });
});
