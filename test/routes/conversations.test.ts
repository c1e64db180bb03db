import { beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { isInstalled } from '../harness/is-installed.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';

interface Answer {
  conversation_id: string;
  message: { content: string; tool_calls: unknown[] };
  tool_calls: { name: string }[];
}

const product = useProduct({}, { assistants: [createTestAssistant()] });
let user: TestUser;
let other: TestUser;

beforeAll(async () => {
  user = await product.createUser();
  other = await product.createUser();
});

const chat = (body: object, as = user, of = user) => product.request(as, 'POST', `/api/${of.userId}/chat`, body);

async function say(message: string, fields: object = {}): Promise<Answer> {
  const response = await chat({ message, ...fields });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

const messagesPath = (id: string, of = user) => `/api/${of.userId}/conversations/${id}/messages`;

describe('POST /api/{user_id}/chat', () => {
  it.skipIf(!isInstalled('todo'))('makes a conversation with the todo list, and goes on in it', async () => {
    const first = await say('add buy milk', { conversation_id: null });
    expect(first.tool_calls).toMatchObject([{ name: 'todo_add' }]);
    expect(first.message.tool_calls).toEqual(first.tool_calls);
    const second = await say('list my tasks', { conversation_id: first.conversation_id });
    expect(second.conversation_id).toBe(first.conversation_id);
    const session = await product.request(user, 'GET', `/v1/chat/sessions/${first.conversation_id}`);
    expect(await session.json()).toMatchObject({ assistant: 'todo', message_count: 4 });
  });

  it('answers with the assistant that is named, and to a name that nobody has 400 and the names that there are', async () => {
    const { conversation_id } = await say('Hello', { assistant: 'desk' });
    const session = await product.request(user, 'GET', `/v1/chat/sessions/${conversation_id}`);
    expect(await session.json()).toMatchObject({ assistant: 'desk' });
    const response = await chat({ message: 'Hello', assistant: 'nobody' });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error).toMatchObject({ code: 'chat.assistant_not_found', param: 'assistant' });
    expect(error.message).toMatch(/\(.*\bdesk\b.*\)/);
  });

  it('answers 400 to a name that nobody has in a conversation that there is, and leaves that as it was', async () => {
    const { conversation_id } = await say('Hello', { assistant: 'desk' });
    const response = await chat({ message: 'Hello', conversation_id, assistant: 'nobody' });
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    expect([response.status, error.code]).toEqual([400, 'chat.assistant_not_found']);
    // Here the todo list answers where no assistant is named.
    expect(error.message).not.toContain('the model itself');
    const session = await product.request(user, 'GET', `/v1/chat/sessions/${conversation_id}`);
    expect(await session.json()).toMatchObject({ assistant: 'desk', message_count: 2 });
  });

  it('is kept by nobody, and its ETag is that of the messages', async () => {
    const response = await chat({ message: 'Hello' });
    const { conversation_id } = (await response.json()) as Answer;
    expect(response.headers.get('cache-control')).toBe('no-cache, no-store, must-revalidate');
    expect(response.headers.get('pragma')).toBe('no-cache');
    expect(response.headers.get('expires')).toBe('0');
    const etag = response.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\//);
    const headers = { authorization: `Bearer ${user.key}`, 'if-none-match': etag };
    expect((await fetch(product.url + messagesPath(conversation_id), { headers })).status).toBe(304);
    await say('Hello again', { conversation_id });
    expect((await fetch(product.url + messagesPath(conversation_id), { headers })).status).toBe(200);
  });

  it('with an Idempotency-Key happens once, the new conversation included', async () => {
    const ask = () =>
      fetch(`${product.url}/api/${user.userId}/chat`, {
        method: 'POST',
        headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': 'once' },
        body: JSON.stringify({ message: 'add buy bread' }),
      });
    const first = await ask();
    const again = await ask();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await again.json()).toEqual(await first.json());
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  it("answers another user's address and conversation as one that does not exist", async () => {
    const { conversation_id } = await say('Hello');
    const answers = [
      await chat({ message: 'Hello', conversation_id }, other, user),
      await chat({ message: 'Hello', conversation_id: newId() }, other, { userId: newId(), key: '' }),
      await chat({ message: 'Hello', conversation_id }, other, other),
      await chat({ message: 'Hello' }, other, user),
    ];
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(new Set(texts).size).toBe(1);
  });
});

describe('the messages of a conversation', () => {
  it('come in pages, and bad values are refused', async () => {
    const { conversation_id } = await say('Hello');
    const page = await product.request(user, 'GET', `${messagesPath(conversation_id)}?limit=1&offset=1`);
    expect(await page.json()).toMatchObject({ data: [{ seq: 2, role: 'assistant' }], has_more: false });
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'offset=-1', 'before=yesterday', 'after=']) {
      const response = await product.request(user, 'GET', `${messagesPath(conversation_id)}?${query}`);
      expect(response.status).toBe(400);
    }
  });
});

describe('POST /v1/chat/messages/batch', () => {
  const read = (body: object, as = user) => product.request(as, 'POST', '/v1/chat/messages/batch', body);

  it('answers the messages of each session in the order asked for, and how to read on', async () => {
    const ids = [await say('one'), await say('two')].map(({ conversation_id }) => conversation_id).reverse();
    const { data } = (await (await read({ session_ids: ids, limit: 1 })).json()) as {
      data: { session_id: string; messages: { content: string }[]; has_more: boolean; next_cursor: string }[];
    };
    expect(data.map(({ session_id }) => session_id)).toEqual(ids);
    expect(data.map(({ messages }) => messages.map(({ content }) => content))).toEqual([['two'], ['one']]);
    const cursor = data[0]?.next_cursor ?? '';
    const rest = await product.request(user, 'GET', `/v1/chat/sessions/${ids[0]}/messages?cursor=${cursor}`);
    expect(await rest.json()).toMatchObject({ data: [{ seq: 2 }], has_more: false });
  });

  it('reads nothing when one session is missing or of somebody else', async () => {
    const { conversation_id } = await say('Hello');
    const foreign = await read({ session_ids: [conversation_id] }, other);
    const missing = await read({ session_ids: [conversation_id, newId()] });
    const { conversation_id: own } = (await (await chat({ message: 'Mine' }, other, other)).json()) as Answer;
    const mixed = await read({ session_ids: [own, conversation_id] }, other);
    expect([foreign.status, missing.status, mixed.status]).toEqual([404, 404, 404]);
    expect(new Set([await foreign.text(), await missing.text(), await mixed.text()]).size).toBe(1);
  });

  it('takes 1 to 50 different sessions', async () => {
    const { conversation_id } = await say('Hello');
    const lists = [[], [conversation_id, conversation_id], Array.from({ length: 51 }, () => newId())];
    for (const session_ids of lists) expect((await read({ session_ids })).status).toBe(400);
  });
});
