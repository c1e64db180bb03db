import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { permissionsWithout, type TestUser, useProductWithModel } from '../harness/product.ts';
import { until } from '../harness/until.ts';

const { product, provider } = useProductWithModel({ mode: 'no-first-byte' });

async function listKeys(user: TestUser): Promise<{ id: string; name: string }[]> {
  const answer = await product.request(user, 'GET', '/v1/keys');
  return ((await answer.json()) as { data: { id: string; name: string }[] }).data;
}

test('a key that is revoked while a body is on its way makes no other key', async () => {
  const owner = await product.createUser();
  const stolen = await product.createKey(owner, ['keys:read', 'keys:write']);
  const id = (await listKeys(owner)).find(({ name }) => name === 'test')?.id;
  const body = JSON.stringify({ name: 'another', permissions: ['keys:read'] });
  const { hostname, port } = new URL(product.url);
  const socket = connect(Number(port), hostname);
  const lines = ['POST /v1/keys HTTP/1.1', 'Host: x', 'Connection: close', `Authorization: Bearer ${stolen}`];
  const more = ['Content-Type: application/json', `Content-Length: ${body.length}`];
  socket.write(`${[...lines, ...more].join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  await sleep(200);
  expect((await product.request(owner, 'DELETE', `/v1/keys/${id}`)).status).toBe(200);
  socket.write(body.slice(5));
  expect(await text(socket)).toMatch(/^HTTP\/1.1 401 .*auth\.invalid_key/s);
  expect((await listKeys(owner)).map(({ name }) => name)).not.toContain('another');
});

const hello = { messages: [{ role: 'user', content: 'Hello' }] };

test.each([
  ['a completion', async () => ({ path: '/v1/chat/completions', body: hello })],
  [
    'the answer to a message',
    async (owner: TestUser) => {
      const path = `/v1/chat/sessions/${await product.createSession(owner)}/messages`;
      return { path, body: { content: 'Hello' } };
    },
  ],
  [
    'the answer in a conversation',
    async ({ userId }: TestUser) => ({
      path: `/api/${userId}/chat`,
      body: { conversation_id: null, message: 'Hello' },
    }),
  ],
])('%s that a model thinks about does not reach a key that is revoked meanwhile', async (what, prepare) => {
  const owner = await product.createUser();
  const { path, body } = await prepare(owner);
  const stolen = await product.createKey(owner, ['chat:read', 'chat:write']);
  const [newest] = await listKeys(owner);
  const asked = provider.requestCount;
  const asking = product.request({ key: stolen }, 'POST', path, body);
  await until(() => provider.requestCount > asked);
  expect((await product.request(owner, 'DELETE', `/v1/keys/${newest?.id}`)).status).toBe(200);
  const answer = await asking;
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ error: { code: 'auth.invalid_key' } });
  if (what === 'a completion') return await until(() => provider.aborts.length === 1);
  // The turn is its user's, who is still there.
  const turn = answer.headers.get('location') ?? '';
  expect(await (await product.request(owner, 'GET', turn)).json()).toMatchObject({ status: 'running' });
  await product.request(owner, 'POST', `${turn}/stop`);
});

/** More than connections hold on their way: an export of it goes on for as long as its reader takes. */
async function storeMuch({ userId }: TestUser): Promise<void> {
  // Past the product, whose statements have two seconds.
  const client = await product.connect();
  await client.query(
    `with session as (insert into chat_sessions (user_id, id) values ($1, gen_random_uuid()) returning id)
    insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
    select $1, session.id, n, gen_random_uuid(), 'user', repeat('a', 200000), now()
    from session, generate_series(1, 200) n`,
    [userId],
  );
}

test.each([
  [
    'whose key is revoked',
    async (user: TestUser) => {
      const [key] = await listKeys(user);
      return await product.request(user, 'DELETE', `/v1/keys/${key?.id}`);
    },
  ],
  [
    'whose key is to read no chats any more',
    async (user: TestUser) => {
      const [key] = await listKeys(user);
      const permissions = permissionsWithout('chat:read');
      return await product.request(user, 'PATCH', `/v1/keys/${key?.id}`, { permissions });
    },
  ],
  [
    'whose user is disabled',
    async ({ userId }: TestUser) => {
      const operator = await product.createUser();
      return await product.request(operator, 'PATCH', `/admin/users/${userId}`, { disabled: true });
    },
  ],
])('an export %s is cut within a second', async (_, end) => {
  const user = await product.createUser();
  await storeMuch(user);
  const headers = { authorization: `Bearer ${user.key}` };
  const answer = await new Promise<IncomingMessage>((resolve) => {
    get(`${product.url}/v1/me/export`, { headers }, resolve);
  });
  expect(answer.statusCode).toBe(200);
  const { streams } = product.server.http.lifecycle;
  expect(streams.size).toBe(1);
  expect((await end(user)).status).toBe(200);
  await expect.poll(() => streams.size, { timeout: 1_000 }).toBe(0);
  await expect(text(answer)).rejects.toThrow('aborted');
});
