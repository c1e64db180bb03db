import { once } from 'node:events';
import { type IncomingMessage, request as startRequest } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const MESSAGE_COUNT = 500;
const longAnswer = 'word 你好 '.repeat(4000);

const { product, provider } = useProductWithModel();
let user: TestUser;
let sessionId: string;

beforeAll(async () => {
  provider.setMode('ok', { text: longAnswer, delayMs: 0 });
  user = await product.createUser();
  sessionId = await product.createSession(user);
  const statement = sql`
    -- test.store_messages
    with stored as (
      insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
      select ${user.userId}::uuid, ${sessionId}::uuid, seq, gen_random_uuid(), 'user', 'message ' || seq || ' 你好', now()
      from generate_series(1, ${MESSAGE_COUNT}::integer) as seq
    )
    update chat_sessions set message_count = ${MESSAGE_COUNT} where user_id = ${user.userId} and id = ${sessionId}`;
  await product.postgres.query(statement, testContext());
});

interface Asked {
  readonly accepted?: string;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

/** Asks as a client does that decompresses nothing by itself; answers with the text, and what was sent for it. */
async function ask(path: string, { accepted, body, headers }: Asked = {}) {
  const request = startRequest(product.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${user.key}`,
      ...(accepted !== undefined && { 'accept-encoding': accepted }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  request.end(body && JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const coding = response.headers['content-encoding'];
  let sentBytes = 0;
  response.on('data', (chunk: Buffer) => {
    sentBytes += chunk.length;
  });
  const decompressor = coding === 'br' ? createBrotliDecompress() : coding === 'gzip' ? createGunzip() : undefined;
  const text = await readText(decompressor ? response.pipe(decompressor) : response);
  return { status: response.statusCode, headers: response.headers, coding, sentBytes, text };
}

const history = (): string => `/v1/chat/sessions/${sessionId}/messages?limit=${MESSAGE_COUNT}`;

it.each(['gzip', 'br'])('a page of history is the same with %s', async (accepted) => {
  const plain = await ask(history());
  const compressed = await ask(history(), { accepted });
  expect([plain.coding, compressed.coding]).toEqual([undefined, accepted]);
  expect(JSON.parse(plain.text).data.length).toBe(MESSAGE_COUNT);
  expect(compressed.text).toBe(plain.text);
  expect(compressed.sentBytes).toBeLessThan(plain.sentBytes / 3);
  expect(compressed.headers.etag).toBe(plain.headers.etag);
});

it('a page that was read compressed is known to be unchanged by its ETag', async () => {
  const { headers } = await ask(history(), { accepted: 'gzip' });
  expect(headers.etag).toMatch(/^W\//);
  for (const accepted of ['gzip', 'identity']) {
    const again = await ask(history(), { accepted, headers: { 'if-none-match': String(headers.etag) } });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, '', headers.etag]);
  }
});

it.each(['gzip', 'br'])('a read of several sessions is the same with %s', async (accepted) => {
  const body = { session_ids: [sessionId], limit: 200 };
  const plain = await ask('/v1/chat/messages/batch', { body });
  const compressed = await ask('/v1/chat/messages/batch', { body, accepted });
  expect([plain.status, plain.coding, compressed.coding]).toEqual([200, undefined, accepted]);
  expect(compressed.text).toBe(plain.text);
});

it.each(['gzip', 'br'])('an export tells the same of the messages with %s', async (accepted) => {
  const messagesOf = ({ text }: { text: string }) => JSON.parse(text).chat_messages;
  const plain = await ask('/v1/me/export');
  const compressed = await ask('/v1/me/export', { accepted });
  expect([plain.coding, compressed.coding]).toEqual([undefined, accepted]);
  expect(messagesOf(plain).length).toBe(MESSAGE_COUNT);
  expect(messagesOf(compressed)).toEqual(messagesOf(plain));
  expect(compressed.sentBytes).toBeLessThan(plain.sentBytes / 2);
});

it.each(['/openapi.json', '/docs/static/swagger-ui-bundle.js', '/docs/static/swagger-ui.css'])(
  '%s is the same when it is compressed',
  async (path) => {
    const plain = await ask(path);
    for (const accepted of ['gzip', 'br']) {
      const compressed = await ask(path, { accepted });
      expect([plain.coding, compressed.coding]).toEqual([undefined, accepted]);
      expect(compressed.text).toBe(plain.text);
      expect(compressed.sentBytes).toBeLessThan(plain.sentBytes / 2);
      expect([plain.headers.vary, compressed.headers.vary]).toEqual(Array(2).fill('Accept-Encoding'));
    }
  },
);

it('metrics are compressed', async () => {
  const { coding, text } = await ask('/metrics', { accepted: 'gzip' });
  expect(coding).toBe('gzip');
  expect(text).toContain('\nprocess_cpu_seconds_total ');
});

it('an answer that is kept for its Idempotency-Key is given again to clients that take no compression, and the other way', async () => {
  const body = { messages: [{ role: 'user', content: 'Hello' }] };
  for (const [first, second] of [
    ['gzip', 'identity'],
    ['identity', 'br'],
  ] as const) {
    const headers = { 'idempotency-key': newId() };
    const answer = await ask('/v1/chat/completions', { body, headers, accepted: first });
    const replay = await ask('/v1/chat/completions', { body, headers, accepted: second });
    expect([answer, replay].map(({ coding = 'identity' }) => coding)).toEqual([first, second]);
    expect(replay.headers['idempotent-replayed']).toBe('true');
    expect(JSON.parse(answer.text).choices[0].message.content).toBe(longAnswer);
    expect(replay.text).toBe(answer.text);
  }
});

it('a streamed answer is never compressed, however long', async () => {
  const body = { messages: [{ role: 'user', content: 'Hello' }], stream: true };
  const { headers, coding, text } = await ask('/v1/chat/completions', { body, accepted: 'gzip, br' });
  expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(coding).toBeUndefined();
  expect(text.length).toBeGreaterThan(longAnswer.length);
  expect(text).toMatch(/^data: /);
});

it('a WebSocket is not compressed', async () => {
  const headers = { authorization: `Bearer ${user.key}`, 'accept-encoding': 'gzip, br' };
  const socket = new WebSocket(`${product.url.replace(/^http/, 'ws')}/v1/chat/ws`, { headers });
  const upgraded = once(socket, 'upgrade') as Promise<[IncomingMessage]>;
  await once(socket, 'open');
  const [response] = await upgraded;
  expect(response.headers).not.toHaveProperty('content-encoding');
  socket.send(JSON.stringify({ type: 'ping', client_id: 'a' }));
  const [frame] = (await once(socket, 'message')) as [Buffer];
  expect(JSON.parse(String(frame))).toMatchObject({ type: 'pong', client_id: 'a' });
  expect(socket.extensions).toBe('');
  socket.terminate();
});
