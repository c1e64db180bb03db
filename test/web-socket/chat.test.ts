import { afterEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { newSecret } from '../../src/core/keys/index.ts';
import { type ChatClient, connectChat, type OutFrame } from '../harness/chat-client.ts';
import { disableUser } from '../harness/disable-user.ts';
import { permissionsWithout, startProduct, useProductWithModel, useUser } from '../harness/product.ts';
import { createTestAssistant } from '../harness/test-assistant.ts';

const TEXT = 'one two three four five six';

const { product, provider } = useProductWithModel(
  { text: TEXT },
  { CORS_ORIGINS: 'https://app.example.com,capacitor://localhost' },
  { assistants: [createTestAssistant()] },
);
const user = useUser(product);
const clients: ChatClient[] = [];

afterEach(() => {
  provider.setMode('ok', { delayMs: 0, text: TEXT });
  for (const { socket } of clients.splice(0)) socket.terminate();
});

async function connect(headers: Record<string, string> = {}): Promise<ChatClient> {
  const client = await connectChat(product.url, { headers });
  clients.push(client);
  return client;
}

const signedIn = (key = user.key) => connect({ authorization: `Bearer ${key}` });

const hasEnded = ({ type }: OutFrame) => type === 'turn.completed' || type === 'error';

/** Sends a message and waits until its turn has ended; answers the frames about it. */
async function say(client: ChatClient, fields: object): Promise<[OutFrame, ...OutFrame[]]> {
  const frame = { type: 'message', client_id: newId(), content: 'Hello', ...fields };
  client.send(frame);
  const isOfFrame = ({ client_id }: OutFrame) => client_id === frame.client_id;
  await client.until((other) => isOfFrame(other) && hasEnded(other));
  return client.frames.filter(isOfFrame) as [OutFrame, ...OutFrame[]];
}

describe('a message', () => {
  it('makes a session when it names none, and its turn is told as events', async () => {
    const client = await signedIn();
    const [ack, ...events] = await say(client, {});
    expect(ack).toMatchObject({ type: 'ack', session_id: expect.any(String), turn_id: expect.any(String) });
    expect(events.at(0)?.type).toBe('turn.started');
    expect(events.at(-1)).toMatchObject({ type: 'turn.completed', turn_id: ack.turn_id, session_id: ack.session_id });
    const deltas = events.filter(({ type }) => type === 'message.delta').map(({ delta }) => delta);
    expect(deltas.join('')).toBe(TEXT);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    const history = await product.request(user, 'GET', `/v1/chat/sessions/${ack.session_id}/messages`);
    expect(await history.json()).toMatchObject({ data: [{ content: 'Hello' }, { content: TEXT }] });
  });

  it('goes on in the session that it names, with the assistant that was named for it', async () => {
    const client = await signedIn();
    const [first] = await say(client, { assistant: 'desk' });
    const [second] = await say(client, { session_id: first.session_id });
    expect(second.session_id).toBe(first.session_id);
    const session = await product.request(user, 'GET', `/v1/chat/sessions/${first.session_id}`);
    expect(await session.json()).toMatchObject({ assistant: 'desk', message_count: 4 });
  });

  it('is stored in the order in which it was sent', async () => {
    const client = await signedIn();
    const [{ session_id }] = await say(client, {});
    const sent = Array.from({ length: 8 }, (_, index) => ({ session_id, content: `message ${index}` }));
    await Promise.all(sent.map((fields) => say(client, fields)));
    const history = await product.request(user, 'GET', `/v1/chat/sessions/${session_id}/messages`);
    const { data } = (await history.json()) as { data: { role: string; content: string }[] };
    const stored = data.filter(({ role }) => role === 'user').map(({ content }) => content);
    expect(stored.slice(1)).toEqual(sent.map(({ content }) => content));
  });

  it('that is sent again on another connection joins its first turn, which runs once', async () => {
    provider.setMode('ok', { delayMs: 30 });
    const asked = provider.requests.length;
    const frame = { client_id: newId() };
    const first = await signedIn();
    first.send({ type: 'message', content: 'Hello', ...frame });
    const ack = await first.until(({ type }) => type === 'ack');
    await first.until(({ type }) => type === 'message.delta');
    first.socket.terminate();
    const frames = await say(await signedIn(), frame);
    expect(frames[0]).toEqual(ack);
    expect(
      frames
        .filter(({ type }) => type === 'message.delta')
        .map(({ delta }) => delta)
        .join(''),
    ).toBe(TEXT);
    expect(provider.requests.length - asked).toBe(1);
  });

  it('with the client_id of another message is refused', async () => {
    const client = await signedIn();
    const frame = { client_id: newId() };
    await say(client, frame);
    client.send({ type: 'message', content: 'Something else', ...frame });
    const { error } = await client.until(({ type }) => type === 'error');
    expect(error).toMatchObject({ code: 'idempotency.key_reused', param: 'client_id' });
  });

  it("to another user's session is answered as to one that does not exist", async () => {
    const [ack] = await say(await signedIn(), {});
    const other = await signedIn((await product.createUser()).key);
    for (const session_id of [ack.session_id, newId()]) {
      const [{ error }] = await say(other, { session_id });
      expect(error.code).toBe('chat.session_not_found');
    }
    const [{ error }] = await say(other, { assistant: 'nobody' });
    expect(error).toMatchObject({ code: 'chat.assistant_not_found', param: 'assistant' });
  });

  it('with an assistant that there is not is refused in a session that is there too, and stored nowhere', async () => {
    const client = await signedIn();
    const [{ session_id: sessionId }] = await say(client, {});
    const [refused] = await say(client, { session_id: sessionId, assistant: 'nobody' });
    expect(refused.error).toMatchObject({ code: 'chat.assistant_not_found', param: 'assistant' });
    const session = await product.request(user, 'GET', `/v1/chat/sessions/${sessionId}`);
    expect(await session.json()).toMatchObject({ message_count: 2 });
  });

  it('takes two statements, with a session or without', async () => {
    const client = await signedIn();
    const [{ session_id }] = await say(client, {});
    for (const fields of [{}, { session_id }]) {
      const before = await countStatements();
      await say(client, fields);
      expect((await countStatements()) - before).toBe(2);
    }
  });
});

/** How many statements of chat and of looking up callers were run, but for what is asked from time to time, or of a long turn. */
async function countStatements(): Promise<number> {
  const metrics = await (await fetch(`${product.url}/metrics`)).text();
  const lines = metrics.matchAll(/^evenkeel_statement_duration_seconds_count\{.*?statement="(.*?)"\} (\d+)$/gm);
  const ofItself = /^(?!chat|keys|plans)|save_progress|list_dead_turns|list_turns_to_stop|record_key_uses|add_usage/;
  return [...lines].reduce((sum, [, name = '', count]) => sum + (ofItself.test(name) ? 0 : Number(count)), 0);
}

describe('a turn', () => {
  it('goes on without its client, and its events go on from where the client left', async () => {
    provider.setMode('ok', { delayMs: 30 });
    const first = await signedIn();
    first.send({ type: 'message', client_id: 'a', content: 'Hello' });
    const seen = await first.until(({ type, id }) => type === 'message.delta' && id === 3);
    first.socket.terminate();
    const second = await signedIn();
    second.send({ type: 'resume', turn_id: seen.turn_id, last_event_id: 3 });
    await second.until(hasEnded);
    const ids = second.frames.filter(({ id }) => id !== undefined).map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 4));
  });

  it('is stopped by a frame, and keeps what was written', async () => {
    provider.setMode('ok', { delayMs: 100 });
    const client = await signedIn();
    client.send({ type: 'message', client_id: newId(), content: 'Hello' });
    const { turn_id } = await client.until(({ type }) => type === 'message.delta');
    client.send({ type: 'stop', turn_id, client_id: 'stop' });
    expect(await client.until(({ type }) => type === 'turn.completed')).toMatchObject({ status: 'stopped' });
    await client.until(({ type, client_id }) => type === 'ack' && client_id === 'stop');
  });

  it('that is under way when the server is stopped is told to its end before the connection is closed', async () => {
    // Longer than the second in which the port stays open, and idle connections with it.
    provider.setMode('ok', { delayMs: 500 });
    const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model', DRAIN_TIMEOUT_MS: '600000' };
    const leaving = await startProduct(variables, { worksOnJobs: false, beside: product });
    const client = await connectChat(leaving.url, { headers: { authorization: `Bearer ${user.key}` } });
    client.send({ type: 'message', client_id: newId(), content: 'Hello' });
    await client.until(({ type }) => type === 'message.delta');
    await leaving.stop();
    expect(await client.closed()).toBe(1001);
    expect(client.frames.slice(-2)).toMatchObject([
      { type: 'turn.completed', status: 'completed' },
      { type: 'error', error: { code: 'http.shutting_down' } },
    ]);
  });
});

describe('signing in', () => {
  it('works by a first frame, and frames behind it wait for it', async () => {
    const client = await connect();
    client.send({ type: 'auth', token: user.key });
    client.send({ type: 'message', client_id: 'm', content: 'Hello' });
    expect(await client.until(({ type }) => type === 'ack')).toEqual({ type: 'ack', user_id: user.userId });
    await client.until(({ type }) => type === 'turn.completed');
  });

  it('with a wrong key in the header is answered 401 before the connection is a WebSocket', async () => {
    const refused = connect({ authorization: `Bearer ${newSecret()}` });
    await expect(refused).rejects.toThrow('401');
  });

  it('with a wrong key in a frame, or any other frame first, closes with 1008', async () => {
    const frames = [
      { type: 'auth', token: newSecret(), client_id: 'm' },
      { type: 'ping', client_id: 'm' },
      { type: 'message', client_id: 'm', content: 'x' },
    ];
    for (const frame of frames) {
      const client = await connect();
      client.send(frame);
      expect(await client.closed()).toBe(1008);
      expect(client.frames[0]?.error.code).toMatch(/^auth\./);
      expect(client.frames[0]).toMatchObject({ client_id: 'm', request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    }
  });

  it('with a key that has no part in chat is refused, in the header or in a frame', async () => {
    const key = await product.createKey(user, ['account:read', 'keys:read']);
    await expect(signedIn(key)).rejects.toThrow('403');
    const client = await connect();
    client.send({ type: 'auth', token: key, client_id: 'm' });
    expect(await client.closed()).toBe(1008);
    expect(client.frames[0]).toMatchObject({ client_id: 'm', error: { code: 'keys.permission_missing' } });
  });

  it('does not turn a connection over to another user', async () => {
    const client = await signedIn();
    client.send({ type: 'auth', token: (await product.createUser()).key });
    expect((await client.until(({ type }) => type === 'error')).error.param).toBe('token');
  });

  it('is refused to pages of foreign origins, and allowed to listed ones and our own', async () => {
    await expect(connect({ origin: 'https://evil.example.com' })).rejects.toThrow('403');
    await expect(connect({ origin: 'null' })).rejects.toThrow('403');
    // Another port of our own host is another origin.
    await expect(connect({ origin: product.url.replace(/:\d+$/, ':1') })).rejects.toThrow('403');
    await connect({ origin: 'https://app.example.com' });
    await connect({ origin: 'capacitor://localhost' });
    await connect({ origin: product.url });
  });
});

describe('a frame', () => {
  it('without the permission it takes is refused, and the connection stays', async () => {
    const client = await signedIn(await product.createKey(user, permissionsWithout('chat:write')));
    const [{ error }] = await say(client, {});
    expect(error.code).toBe('keys.permission_missing');
    client.send({ type: 'ping' });
    await client.until(({ type }) => type === 'pong');
  });

  it.each([
    ['{', 'http.malformed_json', 'body'],
    ['[]', 'http.invalid_request', 'body'],
    ['{"type":"shout"}', 'http.invalid_request', 'type'],
    ['{"type":"message","client_id":"a","content":"x","user_id":"1"}', 'http.invalid_request', 'user_id'],
    ['{"type":"message","client_id":"a","content":""}', 'http.invalid_request', 'content'],
    ['{"type":"message","content":"x"}', 'http.invalid_request', 'client_id'],
    ['{"type":"stop","turn_id":"1"}', 'http.invalid_request', 'turn_id'],
    ['{"type":"message","client_id":"a","content":"\\u0000"}', 'http.invalid_request', 'content'],
    ['{"type":"message","client_id":"a","content":"\\ud800"}', 'http.invalid_request', 'content'],
    ['{"type":"ping","__proto__":{"a":1}}', 'http.invalid_request', '__proto__'],
  ])('%s is refused naming the field at fault', async (frame, code, param) => {
    const client = await signedIn();
    client.socket.send(frame);
    const answer = await client.until(({ type }) => type === 'error');
    expect(answer.error).toMatchObject({ code, param });
    expect(answer.client_id).toBe(frame.includes('"client_id":"a"') ? 'a' : undefined);
    client.send({ type: 'ping' });
    await client.until(({ type }) => type === 'pong');
  });
});

describe('a client', () => {
  it('whose key is revoked is disconnected, idle or not', async () => {
    const response = await product.request(user, 'POST', '/v1/keys', { name: 'to be revoked' });
    const { id, key } = (await response.json()) as { id: string; key: string };
    const client = await signedIn(key);
    await product.request(user, 'DELETE', `/v1/keys/${id}`);
    expect(await client.closed()).toBe(1008);
    expect(client.frames.at(-1)?.error.code).toBe('auth.invalid_key');
    expect(client.frames.at(-1)?.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('whose user is disabled by another server is disconnected', async () => {
    const carol = await product.createUser();
    const client = await signedIn(carol.key);
    await disableUser(product.postgres, carol);
    expect(await client.closed()).toBe(1008);
  });
});
