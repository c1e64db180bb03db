import { describe, expect, it } from 'vitest';

import { Accumulator } from './accumulator.ts';
import type { ChatCompletionChunk, ToolCallDelta } from './completion.ts';

type Choice = ChatCompletionChunk['choices'][number];

function chunk(choices: Choice[], rest: Partial<ChatCompletionChunk> = {}): ChatCompletionChunk {
  return { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...rest };
}

function fold(chunks: ChatCompletionChunk[]): Accumulator {
  const accumulator = new Accumulator();
  for (const one of chunks) accumulator.add(one);
  return accumulator;
}

function foldToolCalls(deltas: ToolCallDelta[]) {
  return fold(deltas.map((delta) => chunk([{ index: 0, delta: { tool_calls: [delta] } }]))).message.tool_calls;
}

describe('an accumulator', () => {
  it('joins text, and keeps finish reason and usage', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const whole = fold([
      chunk([{ index: 0, delta: { role: 'assistant', content: '' } }]),
      chunk([{ index: 0, delta: { content: 'Hello' } }]),
      chunk([{ index: 0, delta: { content: ' you' } }]),
      chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]),
      chunk([], { usage }),
    ]);
    expect(whole.toCompletion()).toEqual({
      id: 'c1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello you', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage,
    });
  });

  it('keeps thoughts as they are to be given back: the pieces of one joined', () => {
    const detail = (more: object) => ({ type: 'reasoning.text', index: 0, ...more });
    const sealed = { type: 'reasoning.encrypted', index: 1, data: 'c2lnbmVk' };
    const deltas = [
      { reasoning_content: 'Let me', reasoning_details: [detail({ text: 'Let me' })] },
      { reasoning_content: ' see.', reasoning_details: [detail({ text: ' see.', signature: 's' }), sealed, sealed] },
      { reasoning_content: null, reasoning_details: null },
    ];
    expect(fold(deltas.map((delta) => chunk([{ index: 0, delta }]))).message).toMatchObject({
      reasoning_content: 'Let me see.',
      reasoning_details: [detail({ text: 'Let me see.', signature: 's' }), sealed, sealed],
    });
  });

  it('puts interleaved tool calls together by their index', () => {
    const toolCalls = foldToolCalls([
      { index: 0, id: 'a', type: 'function', function: { name: 'add', arguments: '' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'list', arguments: '{' } },
      { index: 0, function: { arguments: '{"x":' } },
      { index: 1, function: { arguments: '}' } },
      { index: 0, function: { arguments: '1}' } },
    ]);
    expect(toolCalls).toEqual([
      { id: 'a', type: 'function', function: { name: 'add', arguments: '{"x":1}' } },
      { id: 'b', type: 'function', function: { name: 'list', arguments: '{}' } },
    ]);
  });

  it('takes a name that comes again with each piece once, and joins one that comes in pieces', () => {
    const toolCalls = foldToolCalls([
      { index: 0, id: 'a', function: { name: 'todo_add', arguments: '{' } },
      { index: 0, id: 'a', function: { name: 'todo_add', arguments: '}' } },
      { index: 1, id: 'b', function: { name: 'todo_', arguments: '' } },
      { index: 1, function: { name: 'list', arguments: '{}' } },
      { index: 2, id: 'c', type: 'custom', custom: { name: 'shell', input: 'l' } },
      { index: 2, id: 'c', custom: { name: 'shell', input: 's' } },
    ]);
    expect(toolCalls).toEqual([
      { id: 'a', type: 'function', function: { name: 'todo_add', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'todo_list', arguments: '{}' } },
      { id: 'c', type: 'custom', custom: { name: 'shell', input: 'ls' } },
    ]);
  });

  it('keeps an id that comes empty with later pieces, and calls in the order of their index', () => {
    const toolCalls = foldToolCalls([
      { index: 1, id: 'b', function: { name: 'list', arguments: '{}' } },
      { index: 0, id: 'a', function: { name: 'add', arguments: '{' } },
      { index: 0, id: '', type: '', function: { arguments: '}' } },
    ]);
    expect(toolCalls).toEqual([
      { id: 'a', type: 'function', function: { name: 'add', arguments: '{}' } },
      { id: 'b', type: 'function', function: { name: 'list', arguments: '{}' } },
    ]);
  });

  it('keeps what the provider wants back with a call, unless that is too long to be it', () => {
    const calls = (extra_content: Record<string, unknown>) =>
      foldToolCalls([
        { index: 0, id: 'a', extra_content: { kept: 1 } },
        { index: 0, extra_content },
      ]);
    expect(calls({ kept: 2 })).toMatchObject([{ extra_content: { kept: 2 } }]);
    expect(calls({ kept: 'x'.repeat(32_000) })).toMatchObject([{ extra_content: { kept: 1 } }]);
  });

  it('is who the first chunk says it is, and what the last count says it cost', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const whole = fold([chunk([], { usage }), chunk([], { id: 'c2', created: 2, model: 'other', usage: null })]);
    expect(whole.toCompletion()).toMatchObject({ id: 'c1', created: 1, model: 'm', usage });
  });

  it('takes an absurd index without filling the gap', () => {
    expect(foldToolCalls([{ index: 2 ** 40, id: 'a', function: { name: 'add', arguments: '' } }])).toHaveLength(1);
  });

  it('keeps choices apart', () => {
    const { choices } = fold([
      chunk([{ index: 1, delta: { content: 'one' } }]),
      chunk([{ index: 0, delta: { content: 'zero' }, finish_reason: 'length' }]),
    ]).toCompletion();
    expect(choices.map((choice) => [choice.index, choice.message.content, choice.finish_reason])).toEqual([
      [0, 'zero', 'length'],
      [1, 'one', null],
    ]);
  });

  it('knows how much it holds, an id or a name that comes again once', () => {
    const nothing = fold([chunk([{ index: 0, delta: {} }])]).chars;
    const withCalls = (...deltas: ToolCallDelta[]) =>
      fold(deltas.map((delta) => chunk([{ index: 0, delta: { tool_calls: [delta] } }]))).chars;
    const emptyCall = withCalls({ index: 0 });
    expect(new Accumulator().chars).toBe(0);
    expect(fold([chunk([{ index: 0, delta: { content: 'four', refusal: 'no' } }])]).chars - nothing).toBe(6);
    expect(emptyCall).toBeGreaterThan(nothing);
    expect(withCalls({ index: 0 }, { index: 0 })).toBe(emptyCall);
    expect(withCalls({ index: 0 }, { index: 1 }) - emptyCall).toBe(emptyCall - nothing);
    const piece = { index: 0, id: 'abc', function: { name: 'n', arguments: '12' } };
    expect(withCalls(piece, piece) - emptyCall).toBe(3 + 1 + 2 * 2);
    expect(withCalls({ index: 0, custom: { name: 'n', input: '12' } }) - emptyCall).toBe(3);
    const extra = { index: 0, extra_content: { a: 1 } };
    expect(withCalls(extra, extra) - emptyCall).toBe('{"a":1}'.length);
  });

  it('passes over thoughts that are none', () => {
    const { message } = fold([chunk([{ index: 0, delta: { reasoning_details: [null, 'a', { text: 'b' }] } }])]);
    expect(message.reasoning_details).toEqual([{ text: 'b' }]);
  });

  it('is an empty message before the first chunk', () => {
    const nothing = new Accumulator();
    expect(nothing.message).toEqual({ role: 'assistant', content: null, refusal: null });
    expect(nothing.toCompletion().choices).toEqual([]);
  });
});
