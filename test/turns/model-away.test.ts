import { beforeEach, describe, expect, it } from 'vitest';
import type { PlainCommands } from '../../src/core/models/index.ts';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';

const commands: PlainCommands = {
  read: ({ text }) =>
    text.startsWith('note ') ? { tool: 'desk_note', input: { text: text.slice('note '.length) } } : undefined,
  tell: ({ tool, result }) => `${tool}: ${JSON.stringify(result)}`,
  examples: ['note buy milk'],
};

const assistant = createTestAssistant();
const { product, provider } = useProductWithModel({ mode: '401' }, {}, { assistants: [{ ...assistant, commands }] });
const user = useUser(product);

beforeEach(() => {
  provider.setMode('401');
  assistant.runs.length = 0;
});

/** The answer to a message in a new session. */
async function ask(name: string | null, content: string): Promise<Response> {
  const id = await product.createSession(user, { assistant: name });
  return await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content });
}

describe('while no model answers', () => {
  it('a clear command to an assistant is carried out, and the answer says that the offline model stood in', async () => {
    const response = await ask('desk', 'note milk');
    expect(response.status).toBe(200);
    const answer = (await response.json()) as { session_id: string };
    expect(answer).toMatchObject({
      content: 'desk_note: {"noted":"milk","notes":1}',
      ...{ status: 'complete', model: 'offline', degraded: true },
      tool_calls: [{ name: 'desk_note', arguments: { text: 'milk' }, is_error: false }],
    });
    expect(assistant.runs).toEqual([{ tool: 'note', input: { text: 'milk' }, userId: user.userId }]);
    const stored = await product.request(user, 'GET', `/v1/chat/sessions/${answer.session_id}/messages`);
    expect(await stored.json()).toMatchObject({ data: [{ role: 'user' }, answer] });
  });

  it('an assistant says what it does understand', async () => {
    const answer = (await (await ask('desk', 'how are you?')).json()) as { content: string };
    expect(answer.content).toMatch(/stands in because the model cannot be reached.*“note buy milk”/);
    expect(assistant.runs).toEqual([]);
  });

  it('a session with the model itself gets the error', async () => {
    const response = await ask(null, 'note milk');
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'models.refused' } });
  });

  it('and once it does again, the model answers', async () => {
    provider.setMode('ok', { text: 'Here I am.' });
    const answer = await (await ask('desk', 'note milk')).json();
    expect(answer).toMatchObject({ content: 'Here I am.', model: 'stub-model', degraded: false });
  });

  it('what it had called before it was gone is told by the offline model', async () => {
    const script = () => {
      setImmediate(() => provider.setMode('401'));
      return { text: '', calls: [{ name: 'desk_note', arguments: '{"text":"milk"}' }] };
    };
    provider.setMode('ok', { script });
    expect(await (await ask('desk', 'what a day')).json()).toMatchObject({
      content: expect.stringMatching(/^desk_note: \{"noted":"milk"/),
      ...{ status: 'complete', model: 'offline', degraded: true },
      tool_calls: [{ name: 'desk_note', arguments: { text: 'milk' }, is_error: false }],
    });
    expect(assistant.runs).toHaveLength(1);
  });

  it('what it counted before it was gone is its own usage, and the words of the offline model are nobody’s', async () => {
    const another = await product.createUser();
    const id = await product.createSession(another, { assistant: 'desk' });
    const script = () => {
      setImmediate(() => provider.setMode('401'));
      return { text: 'Noting.', calls: [{ name: 'desk_note', arguments: '{"text":"milk"}' }] };
    };
    provider.setMode('ok', { script });
    await product.request(another, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'what a day' });
    const { data } = (await (await product.request(another, 'GET', '/v1/me/usage')).json()) as { data: object[] };
    expect(data).toMatchObject([{ model: 'stub-model', requests: 1, prompt_tokens: 7, completion_tokens: 1 }]);
  });
});
