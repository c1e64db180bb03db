import { describe, expect, it, test } from 'vitest';
import { readChunk, readCompletion } from './read-answer.ts';

const now = new Date('2026-01-01T00:00:00Z');

function read(choice: object, rest: object = {}) {
  return readCompletion(JSON.stringify({ choices: [choice], ...rest }), now);
}

const readCall = (call: object) => read({ message: { tool_calls: [call] } }).choices[0]?.message.tool_calls?.[0];

describe('a whole answer', () => {
  it('keeps what it says', () => {
    const head = { id: 'a', object: 'chat.completion', created: 7, model: 'm', system_fingerprint: 'f' };
    const called = { name: 'add', arguments: '{"x":1}' };
    const message = {
      role: 'assistant',
      content: 'text',
      tool_calls: [{ id: 'c', type: 'function', function: called }],
    };
    const choice = { index: 3, message, finish_reason: 'length', logprobs: null };
    expect(read(choice, head)).toEqual({ ...head, choices: [choice] });
  });

  it('is given what it leaves out', () => {
    const completion = readCompletion('{"choices":[{"message":{}},{"message":{"tool_calls":null}}]}', now);
    const choice = { finish_reason: 'stop', message: { role: 'assistant', content: null } };
    expect(completion).toEqual({
      id: expect.stringMatching(/^chatcmpl-./),
      object: 'chat.completion',
      created: now.getTime() / 1000,
      choices: [0, 1].map((index) => ({ index, ...choice })),
    });
  });

  it('is given what its tool calls leave out', () => {
    expect(readCall({ function: { name: 'add' }, custom: null })).toEqual({
      // The one form that Mistral takes back; OpenAI takes at most 40 characters.
      id: expect.stringMatching(/^[a-z0-9]{9}$/),
      type: 'function',
      function: { name: 'add', arguments: '{}' },
    });
    const custom = { id: 'c', type: 'custom', custom: { name: 'shell' } };
    expect(readCall(custom)).toEqual({ ...custom, custom: { name: 'shell', input: '' } });
    expect(read({ message: { tool_calls: [{ function: { name: 'add' } }] } }).choices[0]?.finish_reason).toBe(
      'tool_calls',
    );
  });

  it.each([
    ['an index that is none', { index: '0', message: {} }],
    ['a finish reason that is no word', { finish_reason: 7, message: {} }],
    ['no message', {}],
    ['text that is no text', { message: { content: 7 } }],
    ['a refusal that is no text', { message: { refusal: 7 } }],
    ['a tool call without a name', { message: { tool_calls: [{ id: 'c', function: { arguments: '{}' } }] } }],
  ])('with %s is refused', (_what, choice) => {
    expect(() => read(choice)).toThrow(expect.objectContaining({ code: 'models.bad_response' }));
  });
});

describe('whole or streamed, a tool call', () => {
  it.each([
    ['is no object', 'add'],
    ['has an id that is no text', { id: 7, function: { name: 'add', arguments: '{}' } }],
    ['has a type that is no text', { id: 'c', type: 7, function: { name: 'add', arguments: '{}' } }],
    ['has a function that is none', { id: 'c', function: 'add' }],
    ['has a name that is no text', { id: 'c', function: { name: 7, arguments: '{}' } }],
    ['has arguments that are no text', { id: 'c', function: { name: 'add', arguments: {} } }],
    ['has input that is no text', { id: 'c', custom: { name: 'add', input: {} } }],
  ])('that %s is refused', (_what, call) => {
    const refused = expect.objectContaining({ code: 'models.bad_response' });
    const answer = { tool_calls: [call] };
    expect(() => read({ message: answer })).toThrow(refused);
    expect(() => readChunk(JSON.stringify({ choices: [{ delta: answer }] }))).toThrow(refused);
  });
});

describe('whole or streamed, an answer', () => {
  it.each(['"x":%', '"usage":{"prompt_tokens":1,"completion_tokens":1,"x":%}'])(
    'is refused when it is nested deeper than can be written again: %s',
    (field) => {
      const json = (levels: number) =>
        `{"choices":[{"message":{},"delta":{}}],${field.replace('%', '['.repeat(levels) + ']'.repeat(levels))}}`;
      const refused = expect.objectContaining({ code: 'models.bad_response' });
      expect(() => readChunk(json(100_000))).toThrow(refused);
      expect(() => readCompletion(json(100_000), now)).toThrow(refused);
      expect(JSON.stringify(readChunk(json(100)))).toContain('['.repeat(100));
    },
  );

  it('is one also when it says that there is no error', () => {
    expect(read({ message: { content: 'Yes.' } }, { error: null }).choices).toHaveLength(1);
    expect(readChunk('{"choices":[{"delta":{}}],"error":null}').choices).toHaveLength(1);
  });

  it.each([true, false, {}])('does not say that our offline model stood in: %j', (degraded) => {
    expect(read({ message: {} }, { degraded }).degraded).toBeUndefined();
    expect(readChunk(JSON.stringify({ choices: [], degraded })).degraded).toBeUndefined();
  });
});

describe('whole or streamed, an answer of a model that thinks', () => {
  it.each([
    [
      'Mistral',
      [
        { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
        { type: 'text', text: 'Yes.' },
      ],
    ],
    [
      'Databricks',
      [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
        { type: 'text', text: 'Yes.' },
      ],
    ],
  ])('has text and thoughts where others have them, also when they came in a list, as from %s', (_whom, content) => {
    const answer = { content: 'Yes.', reasoning: 'Hm.' };
    expect(read({ message: { content } }).choices[0]?.message).toMatchObject(answer);
    expect(readChunk(JSON.stringify({ choices: [{ delta: { content } }] })).choices[0]?.delta).toEqual(answer);
  });

  it('may be in pieces without a thought', () => {
    const content = [{ type: 'reference', reference_ids: [1] }];
    expect(readChunk(JSON.stringify({ choices: [{ delta: { content } }] })).choices[0]?.delta).toEqual({ content: '' });
  });
});

// As OpenRouter, vLLM, DeepSeek and Zhipu say it.
test.each(['error', 'abort', 'insufficient_system_resource', 'network_error'])(
  'whole or streamed, an answer that ended by %j is none',
  (finish_reason) => {
    const failed = expect.objectContaining({ code: 'models.provider_error' });
    expect(() => read({ message: { content: 'Half' }, finish_reason })).toThrow(failed);
    expect(() => readChunk(JSON.stringify({ choices: [{ delta: {}, finish_reason }] }))).toThrow(failed);
  },
);

test('a whole answer whose call has an empty id is given one, or its client could not send it back', () => {
  expect(readCall({ id: '', function: { name: 'add' } })?.id).toMatch(/./);
});

describe('whole or streamed, a count of tokens', () => {
  const most = 1_000_000_000;
  it.each([
    ['is kept', most, 'kept'],
    ['that no answer takes is left out', most + 1, 'left out'],
    ['that Postgres could not store is left out', 4_294_967_295, 'left out'],
    ['below none is left out', -1, 'left out'],
    ['of half a token is left out', 0.5, 'left out'],
  ])('%s', (_what, count, outcome) => {
    const usage = { prompt_tokens: 7, completion_tokens: count, total_tokens: 7 };
    const expected = outcome === 'kept' ? usage : null;
    expect(read({ message: {} }, { usage }).usage).toEqual(expected);
    expect(readChunk(JSON.stringify({ choices: [], usage })).usage).toEqual(expected);
  });

  it.each([undefined, null])('is given their sum when that is %s', (sum) => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: sum };
    const expected = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    expect(read({ message: {} }, { usage }).usage).toEqual(expected);
    expect(readChunk(JSON.stringify({ choices: [], usage })).usage).toEqual(expected);
  });

  it.each(['10', -1, most + 1])('with a sum that is none (%j) is left out', (sum) => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: sum };
    expect(read({ message: {} }, { usage }).usage).toBeNull();
    expect(readChunk(JSON.stringify({ choices: [], usage })).usage).toBeNull();
  });

  it.each([{ prompt_tokens: 7 }, { completion_tokens: 3 }, [], 7])('without both parts (%j) is left out', (usage) => {
    expect(read({ message: {} }, { usage }).usage).toBeNull();
    expect(readChunk(JSON.stringify({ choices: [], usage })).usage).toBeNull();
  });
});

test.each([{ index: '0' }, { finish_reason: 7 }, { delta: { content: 7 } }])(
  'a piece of a stream with a choice that is malformed (%j) is refused',
  (choice) => {
    const refused = expect.objectContaining({ code: 'models.bad_response' });
    expect(() => readChunk(JSON.stringify({ choices: [choice] }))).toThrow(refused);
  },
);

describe('a piece of a stream without choices', () => {
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };

  it.each([{ usage }, { choices: null, usage }, { choices: null }, { object: 'chat.completion.chunk', model: 'm' }])(
    'says nothing, or what it cost: %j',
    (said) => {
      expect(readChunk(JSON.stringify(said))).toEqual({ ...said, choices: [] });
    },
  );

  it.each([
    ['models.provider_error', { choices: null, error: { message: 'No.' } }],
    ['models.provider_error', { object: 'chat.completion.chunk', error: 'No.' }],
    // As vLLM says that something went wrong; `[DONE]` follows.
    ['models.bad_response', { object: 'error', message: 'No.', type: 'InternalServerError', code: 500 }],
    ['models.bad_response', { detail: 'No.' }],
    ['models.bad_response', {}],
    ['models.bad_response', { choices: {}, usage }],
  ])('is %s when it may be an error: %j', (code, said) => {
    expect(() => readChunk(JSON.stringify(said))).toThrow(expect.objectContaining({ code }));
  });

  it.each([{ choices: null, usage }, { usage }, { choices: [], usage }])('is no whole answer: %j', (said) => {
    const refused = expect.objectContaining({ code: 'models.bad_response' });
    expect(() => readCompletion(JSON.stringify(said), now)).toThrow(refused);
  });
});
