import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';
import type { StubCall, StubRequestBody } from '../stubs/provider-answers.ts';

const assistant = createTestAssistant();
const { product, provider } = useProductWithModel({}, { MODEL_TOTAL_TIMEOUT_MS: '4000' }, { assistants: [assistant] });
const user = useUser(product);
let session: string;

beforeEach(async () => {
  assistant.runs.length = 0;
  assistant.mostAtOnce = 0;
  session = await createSession('desk');
});

interface Call {
  id: string;
  name: string;
  arguments: unknown;
  result: unknown;
  is_error: boolean;
}

interface Answer {
  content: string;
  status: string;
  turn_id: string;
  tool_calls: Call[];
}

const createSession = (name: string | null) => product.createSession(user, { assistant: name });

const call = (name: string, text: string): StubCall => ({ name: `desk_${name}`, arguments: JSON.stringify({ text }) });

/** Has the model make these calls, one list a step, and then say the text. */
function plan(steps: readonly (readonly StubCall[])[], text = 'Done.'): void {
  const script = (body: StubRequestBody) => {
    const messages = body.messages ?? [];
    const asked = messages.findLastIndex(({ role }) => role === 'user');
    const step = messages.slice(asked).filter(({ role }) => role === 'assistant').length;
    const calls = steps[step] ?? [];
    return { text: calls.length > 0 ? `Step ${step}.` : text, calls };
  };
  provider.setMode('ok', { script });
}

async function ask(content = 'Please'): Promise<Answer> {
  const response = await product.request(user, 'POST', `/v1/chat/sessions/${session}/messages`, { content });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const outcomes = ({ tool_calls }: Answer) => tool_calls.map(({ result, is_error }) => [result, is_error]);
const lastRequest = () => provider.requests.at(-1)?.body as StubRequestBody;

describe('a turn of an assistant', () => {
  it('tells the model the instructions and tools, runs what it calls as the user, and tells it the results', async () => {
    plan([[call('note', 'milk')], [call('recite', 'x')]]);
    const asked = provider.requests.length;
    const answer = await ask();
    const first = provider.requests[asked]?.body as StubRequestBody;
    expect(first.messages).toEqual([
      {
        role: 'system',
        content: expect.stringMatching(/^You keep notes\.\n\nToday is \w+day, \d{4}-\d\d-\d\d \(UTC\)\.$/),
      },
      { role: 'user', content: 'Please' },
    ]);
    expect(first.tools?.map((tool) => tool.function?.name)).toEqual(assistant.tools.map(({ name }) => name));
    expect(assistant.runs[0]).toEqual({ tool: 'note', input: { text: 'milk' }, userId: user.userId });
    expect(answer.content).toBe('Step 0.\n\nStep 1.\n\nDone.');
    expect(answer.tool_calls[0]).toEqual({
      ...{ id: 'call_stub_1', name: 'desk_note', arguments: { text: 'milk' } },
      ...{ result: { noted: 'milk', notes: 1 }, is_error: false },
    });
    expect(lastRequest().messages?.slice(2, 4)).toMatchObject([
      { role: 'assistant', content: 'Step 0.', tool_calls: [{ id: 'call_stub_1', function: call('note', 'milk') }] },
      { role: 'tool', tool_call_id: 'call_stub_1', content: '{"noted":"milk","notes":1}' },
    ]);
  });

  it('gives the credential of its user to neither the provider nor a tool', async () => {
    plan([[call('note', 'milk')]]);
    await ask();
    const told = inspect([provider.requests, assistant.lastCall], {
      depth: 20,
      showHidden: true,
      maxArrayLength: null,
    });
    expect(told).toContain(user.userId);
    expect(told).not.toContain(user.key);
  });

  it('is in the history with its calls, and told to the model again in the next turn', async () => {
    plan([[call('note', 'a'), call('note', 'b')], [call('recite', 'x')]]);
    const answer = await ask();
    const told = lastRequest().messages ?? [];
    const history = await product.request(user, 'GET', `/v1/chat/sessions/${session}/messages`);
    expect(((await history.json()) as { data: Answer[] }).data[1]).toEqual(answer);
    plan([]);
    await ask('More');
    expect(lastRequest().messages).toEqual([
      ...told,
      { role: 'assistant', content: '\n\nDone.' },
      { role: 'user', content: 'More' },
    ]);
  });

  it('streams each call as it begins and as it ends', async () => {
    plan([[call('note', 'a')]]);
    const path = `/v1/chat/sessions/${session}/messages`;
    const text = await (await product.request(user, 'POST', path, { content: 'Hi', stream: true })).text();
    expect(Array.from(text.matchAll(/^event: (.+)$/gm), ([, event]) => event)).toEqual([
      ...['turn.started', 'message.delta', 'message.delta', 'tool.started', 'tool.finished', 'message.delta'],
      ...['message.completed', 'turn.completed'],
    ]);
    const finished = /^data: (.*"tool.finished".*)$/m.exec(text)?.[1] ?? '';
    expect(JSON.parse(finished)).toMatchObject({ tool_call: { name: 'desk_note', is_error: false } });
  });

  it('runs calls side by side that only read, and in their order when one of them writes', async () => {
    plan([[call('read', 'a'), call('read', 'b'), call('read', 'c')]]);
    await ask();
    expect(assistant.mostAtOnce).toBe(3);
    assistant.mostAtOnce = 0;
    plan([[call('read', 'a'), call('note', 'b'), call('read', 'c')]]);
    await ask();
    expect(assistant.mostAtOnce).toBe(1);
  });

  it('runs the same call once, but reads anew after a write', async () => {
    const same = { name: 'desk_note', arguments: '{ "text":   "once" }' };
    plan([
      [call('note', 'once'), same],
      [call('read', 'x'), call('read', 'x')],
      [call('note', 'two')],
      [call('read', 'x')],
      [call('recite', 'x')],
    ]);
    const answer = await ask();
    expect(assistant.runs.map(({ tool }) => tool)).toEqual(['note', 'read', 'note', 'read', 'recite']);
    expect(answer.tool_calls).toHaveLength(7);
    expect(answer.tool_calls[1]?.result).toEqual(answer.tool_calls[0]?.result);
  });

  it('does again what had no effect, and does not do again what was done before something else', async () => {
    plan([[call('unlock', 'x')], [call('note', 'a')], [call('unlock', 'x'), call('note', 'b')], [call('note', 'a')]]);
    const answer = await ask();
    expect(assistant.runs.map(({ tool }) => tool)).toEqual(['unlock', 'note', 'unlock', 'note']);
    expect(answer.tool_calls.at(-1)).toMatchObject({
      result: { note: expect.stringContaining('not done again'), result: answer.tool_calls[1]?.result },
      is_error: false,
    });
  });

  it('answers a bad call with an error that the model reads, and goes on', async () => {
    plan([
      [
        { name: 'todo_delete', arguments: '{}' },
        { name: 'desk_note', arguments: '{"text": ' },
        { name: 'desk_note', arguments: '{"text":"x","user_id":"someone else"}' },
        { name: 'desk_note', arguments: '{"text":5}' },
        call('note', 'caf\0e9'),
        call('note', 'half \ud83d'),
        call('unlock', 'x'),
        call('break', 'x'),
      ],
    ]);
    const answer = await ask();
    expect(assistant.runs.map(({ tool }) => tool)).toEqual(['unlock', 'break']);
    expect(outcomes(answer)).toEqual([
      [{ error: expect.stringContaining('There is no such tool. There are: desk_note') }, true],
      [{ error: 'The arguments are not a JSON object.' }, true],
      [{ error: expect.stringContaining('user_id') }, true],
      [{ error: expect.stringContaining('`text` must be') }, true],
      [{ error: '`text` must not hold NUL characters.' }, true],
      [{ error: expect.stringContaining('half a surrogate pair') }, true],
      [{ error: 'The drawer is locked. Ask for the key.' }, true],
      [{ error: 'The tool failed.' }, true],
    ]);
    expect(answer).toMatchObject({ status: 'complete', content: 'Step 0.\n\nDone.' });
    expect(JSON.stringify(lastRequest())).not.toContain('secret of the inside');
  });

  it('cuts a result that is too long, and says so', async () => {
    plan([[call('recite', 'word '.repeat(20))]]);
    const answer = await ask();
    const result = String(answer.tool_calls[0]?.result);
    expect(result.length).toBeLessThan(32_200);
    expect(result).toContain('(cut: 100002 characters in all');
  });

  it('calls tools in at most 8 steps and 8 at once, then has to answer', async () => {
    const many = Array.from({ length: 9 }, (_value, index) => call('note', `n${index}`));
    plan([many, ...Array.from({ length: 20 }, (_value, index) => [call('recite', `${index}`)])]);
    const asked = provider.requests.length;
    const answer = await ask();
    expect(provider.requests.length - asked).toBe(9);
    expect(lastRequest()).toMatchObject({ tool_choice: 'none' });
    expect(answer.tool_calls).toHaveLength(9 + 7);
    expect(answer.tool_calls[8]).toMatchObject({
      is_error: true,
      result: { error: expect.stringContaining('at most 8') },
    });
  });

  it('hears of at most 64 calls at once', async () => {
    plan([Array.from({ length: 100 }, (_value, index) => call('note', `n${index}`))]);
    const answer = await ask();
    expect(answer.tool_calls).toHaveLength(64);
    expect(assistant.runs).toHaveLength(8);
    expect(lastRequest().messages?.filter(({ role }) => role === 'tool')).toHaveLength(64);
  });

  it('tells calls apart to which the provider gave the same id', async () => {
    plan([['one', 'two', 'three'].map((text) => ({ ...call('note', text), id: 'call_0' }))]);
    const { tool_calls: calls } = await ask();
    expect(new Set(calls.map(({ id }) => id)).size).toBe(3);
    expect(calls.map(({ result }) => result)).toMatchObject([{ noted: 'one' }, { noted: 'two' }, { noted: 'three' }]);
  });

  it('ends when its time is up though a tool hangs, with the calls answered', async () => {
    plan([[call('hang', 'x'), call('recite', 'y')]]);
    const path = `/v1/chat/sessions/${session}/messages`;
    const response = await product.request(user, 'POST', path, { content: 'Hi' });
    expect(response.status).toBe(503);
    const { data } = (await (await product.request(user, 'GET', path)).json()) as { data: Answer[] };
    expect(data[1]).toMatchObject({ status: 'incomplete', content: 'Step 0.' });
    expect(data[1]?.tool_calls.map(({ is_error }) => is_error)).toEqual([true, expect.any(Boolean)]);
  });

  it('stores what a model writes that Postgres does not take', async () => {
    const odd = { name: 'desk_note', arguments: '{"text":"a\\u0000b\\ud800c"}' };
    plan([[odd]], 'nul \0 half \ud83d end');
    const answer = await ask();
    expect(answer.content).toBe('Step 0.\n\nnul  half \ufffd end');
    expect(answer.tool_calls[0]?.arguments).toEqual({ text: 'a\0b\ud800c' });
  });
});

it('a session without an assistant offers no tool and runs none', async () => {
  session = await createSession(null);
  plan([[call('note', 'x')]]);
  const answer = await ask();
  expect(answer.tool_calls).toEqual([]);
  expect(lastRequest().tools).toBeUndefined();
  expect(assistant.runs).toEqual([]);
});

it('the turn counts the tokens of all its steps', async () => {
  plan([[call('note', 'x')]], 'One two.');
  const { turn_id } = await ask();
  const turn = await product.request(user, 'GET', `/v1/chat/sessions/${session}/turns/${turn_id}`);
  expect(await turn.json()).toMatchObject({ usage: { prompt_tokens: 14, completion_tokens: 4 } });
});
