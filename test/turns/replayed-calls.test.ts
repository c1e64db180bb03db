import { beforeEach, expect, test } from 'vitest';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';
import { followEvents } from '../harness/turn-events.ts';
import type { StubCall, StubRequestBody } from '../stubs/provider-answers.ts';

interface ToldMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_calls?: readonly { readonly function: object; readonly extra_content?: object }[];
}

const assistant = createTestAssistant();
const { product, provider } = useProductWithModel({}, {}, { assistants: [assistant] });
const user = useUser(product);
let session: string;

beforeEach(async () => {
  assistant.runs.length = 0;
  session = await product.createSession(user, { assistant: 'desk' });
});

const post = (content: string, stream = false) =>
  product.request(user, 'POST', `/v1/chat/sessions/${session}/messages`, { content, stream });

const note: StubCall = { name: 'desk_note', arguments: '{"text":"fuel"}' };
const hasCalled = ({ messages = [] }: StubRequestBody) => messages.at(-1)?.role === 'tool';

/** Has the model make these calls first, and then say something. */
function plan(calls: readonly StubCall[], text = 'Done.'): void {
  provider.setMode('ok', { delayMs: 0, script: (body) => (hasCalled(body) ? { text } : { text: '', calls }) });
}

/** What the model was told last, its instructions left out. */
const told = () => (provider.requests.at(-1)?.body.messages ?? []).slice(1) as ToldMessage[];
const toldCalls = () => told().flatMap(({ tool_calls = [] }) => tool_calls);
const toldRoles = () => told().map(({ role, content }) => (content === null ? `${role} calls` : role));

test('a model is told of its bad calls in a form that no provider refuses', async () => {
  plan([
    { name: 'multi_tool_use.parallel', arguments: '{"title":"le' },
    { name: '', arguments: '[1]' },
    { name: 'x'.repeat(100), arguments: '{"a":1}' },
  ]);
  await post('Please');
  expect(toldCalls().map((call) => call.function)).toEqual([
    { name: 'multi_tool_use_parallel', arguments: '{}' },
    { name: 'unknown', arguments: '{}' },
    { name: 'x'.repeat(64), arguments: '{"a":1}' },
  ]);
});

test('a provider is given back what it wants back with a call, until the message is answered', async () => {
  const extra_content = { google: { thought_signature: 'c2lnbmVk' } };
  plan([{ ...note, extra_content }]);
  const answer = (await (await post('Please')).json()) as { tool_calls: object[] };
  expect(toldCalls()).toMatchObject([{ extra_content }]);
  expect(answer.tool_calls[0]).not.toHaveProperty('extra_content');
  plan([]);
  await post('More');
  expect(toldCalls()).toHaveLength(1);
  expect(toldCalls()[0]).not.toHaveProperty('extra_content');
});

/** Has the model make these calls and then write for seconds; stops the turn at its first event of this kind. */
async function stopAt(kind: string, calls: readonly StubCall[]): Promise<string> {
  provider.setMode('ok', {
    delayMs: 20,
    script: (body) => (hasCalled(body) || calls.length === 0 ? { text: 'word '.repeat(100) } : { text: '', calls }),
  });
  for await (const { event, data } of followEvents(await post('Spent 12.50 on fuel', true))) {
    if (event !== kind) continue;
    const path = `/v1/chat/sessions/${session}/turns/${data.turn_id}`;
    const stopped = await product.request(user, 'POST', `${path}/stop`);
    expect(await stopped.json()).toMatchObject({ status: 'stopped' });
    return path;
  }
  throw new Error(`There was no ${kind}.`);
}

/** Retries a turn, with the model making one call first. */
async function retryWith(call: StubCall, path: string): Promise<unknown> {
  let asked = 0;
  provider.setMode('ok', {
    delayMs: 0,
    script: () => (asked++ === 0 ? { text: '', calls: [call] } : { text: 'Noted.' }),
  });
  return await (await product.request(user, 'POST', `${path}/retry`, {})).json();
}

const countNotes = () => assistant.runs.filter(({ tool }) => tool === 'note').length;

test('a retry does not do again what was done before, and the model is told of it, then and later', async () => {
  const answer = await retryWith(note, await stopAt('message.delta', [note]));
  expect(countNotes()).toBe(1);
  expect(answer).toMatchObject({
    ...{ status: 'complete', content: 'Noted.' },
    tool_calls: [{ is_error: false, result: { note: expect.stringContaining('not done again') } }],
  });
  const done = ['assistant calls', 'tool'];
  expect(toldRoles()).toEqual(['user', ...done, ...done]);
  plan([]);
  await post('More');
  expect(toldRoles()).toEqual(['user', ...done, ...done, 'assistant', 'user']);
});

test('a retry does what was never begun', async () => {
  const path = await stopAt('tool.started', [{ name: 'desk_hang', arguments: '{"text":"x"}' }, note]);
  expect(countNotes()).toBe(0);
  expect(await retryWith(note, path)).toMatchObject({ tool_calls: [{ result: { noted: 'fuel' }, is_error: false }] });
});

test('a retry does what was done for another message that was answered at the same time', async () => {
  provider.setMode('ok', {
    delayMs: 20,
    script: (body) => (hasCalled(body) ? { text: 'word '.repeat(40) } : { text: '', calls: [note] }),
  });
  const first = post('First');
  await expect.poll(countNotes).toBe(1);
  const path = await stopAt('message.delta', []);
  expect((await first).status).toBe(200);
  expect(await retryWith(note, path)).toMatchObject({ tool_calls: [{ result: { noted: 'fuel' } }] });
  expect(countNotes()).toBe(2);
});
