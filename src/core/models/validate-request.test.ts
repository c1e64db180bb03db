import { describe, expect, it } from 'vitest';

import { AppError } from '../../base/errors.ts';
import type { Message } from './message-schema.ts';
import type { CompletionRequest } from './schemas.ts';
import { validateRequest } from './validate-request.ts';

const user: Message = { role: 'user', content: 'Hello' };
const calls: Message = {
  role: 'assistant',
  tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: '{}' } }],
};

function findFault(request: Partial<CompletionRequest>): { code: string; param: string | undefined } | undefined {
  try {
    validateRequest({ messages: [user], ...request });
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.message).toContain(error.param);
    return { code: error.code, param: error.param };
  }
}

describe('a completion request', () => {
  it.each<[string, Partial<CompletionRequest>]>([
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'system', content: null }] }],
    ['messages[1].content', { messages: [user, { role: 'assistant' }] }],
    ['messages[1].content', { messages: [user, { role: 'assistant', content: null, tool_calls: [] }] }],
    ['messages[0].tool_calls', { messages: [{ ...calls, role: 'user', content: 'x' }] }],
    ['messages[0].tool_call_id', { messages: [{ ...user, tool_call_id: 'call_1' }] }],
    ['messages[0].extra_content', { messages: [{ ...user, extra_content: {} }] }],
    ['messages[1].tool_call_id', { messages: [calls, { role: 'tool', content: 'x' }] }],
    ['messages[1].tool_call_id', { messages: [calls, { role: 'tool', content: 'x', tool_call_id: 'call_2' }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'x', tool_call_id: 'call_1' }, calls] }],
    ['messages[1].content', { messages: [calls, { role: 'tool', tool_call_id: 'call_1' }] }],
    ['messages[0].name', { messages: [{ role: 'function', content: 'x' }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: 'refusal', refusal: 'x' }] }] }],
    [
      'messages[0].content[0].refusal',
      { messages: [{ role: 'assistant', content: [{ type: 'refusal', refusal: null }] }] },
    ],
    [
      'messages[0].content[0].annotations',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', annotations: [] }] }] },
    ],
    [
      'messages[0].content[0].type',
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
    ],
    [
      'messages[0].tool_calls[0].custom',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'custom' }] }] },
    ],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['tool_choice.function', { tool_choice: { type: 'function' } }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    ['prediction.content[0].type', { prediction: { type: 'content', content: [{ type: 'file', file: {} }] } }],
    ['stream_options', { stream_options: { include_usage: true } }],
  ])('is refused naming %s', (param, request) => {
    expect(findFault(request)).toEqual({ code: 'models.invalid_request', param });
  });

  it.each<[string, Partial<CompletionRequest>]>([
    [
      'a tool result after its call',
      { messages: [user, calls, { role: 'tool', content: '1', tool_call_id: 'call_1' }] },
    ],
    [
      'an answer sent back whole',
      { messages: [user, { role: 'assistant', content: 'x', refusal: null, parsed: null }] },
    ],
    [
      'an answer sent back with what its provider added',
      {
        messages: [
          user,
          {
            ...{ role: 'assistant', content: 'x', reasoning_details: [{ type: 'reasoning.text' }] },
            ...{ provider_specific_fields: { citations: [] }, extra_content: { google: {} } },
          },
          {
            role: 'assistant',
            content: 'x',
            provider_specific_fields: null,
            reasoning_details: null,
            extra_content: null,
          },
        ],
      },
    ],
    ['nulls in fields of other roles', { messages: [{ ...user, tool_calls: null, refusal: null }] }],
    ['an empty answer', { messages: [user, { role: 'assistant', content: '' }] }],
    ['stream options of a stream', { stream: true, stream_options: { include_usage: true } }],
    ['no stream options', { stream: false, stream_options: null }],
  ])('is taken with %s', (_what, request) => {
    expect(findFault(request)).toBeUndefined();
  });
});
