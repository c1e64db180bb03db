import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { permissionsWithout, type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const product = useProduct();

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

/** More than connections hold on their way: an export of it goes on for as long as its reader takes. */
async function storeMuch({ userId }: TestUser): Promise<void> {
  const store = sql`
    -- test.store_much
    with session as (insert into chat_sessions (user_id, id) values (${userId}::uuid, ${newId()}::uuid) returning id)
    insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
    select ${userId}::uuid, session.id, n, gen_random_uuid(), 'user', repeat('a', 200000), now()
    from session, generate_series(1, 200) n`;
  await product.postgres.query(store, testContext());
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
