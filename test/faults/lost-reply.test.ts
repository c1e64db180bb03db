import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { msUntil } from './fault-server.ts';

let database: TestDatabase;
let proxy: FaultProxy;
let admin: Client;
let server: ServerProcess;
let dataDir: string;
let key: string;
let app: PrivyApp;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startFaultProxy(database.url);
  admin = await database.connect();
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-lost-'));
  app = await createPrivyApp();
  server = await startServerProcess({
    ...app.variables,
    DATA_DIR: dataDir,
    DATABASE_URL: proxy.url,
    DATABASE_DIRECT_URL: database.url,
    LOG_LEVEL: 'warn',
  });
  key = await server.readKey();
});

afterAll(async () => {
  proxy?.setMode('pass');
  await server?.end('SIGTERM');
  await proxy?.close();
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function post(path: string, body: object, idempotencyKey?: string) {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    body: JSON.stringify(body),
  });
  const { status, headers } = response;
  const answer = (await response.json()) as { id?: string };
  const isReplay = headers.get('idempotent-replayed') === 'true';
  return { status, isReplay, shouldRetry: headers.get('x-should-retry'), id: answer.id };
}

async function count(table: string): Promise<number> {
  const { rows } = await admin.query<{ n: number }>(`select count(*)::int as n from ${table}`);
  return rows[0]?.n ?? 0;
}

const createSession = async () => String((await post('/v1/chat/sessions', {}, newId())).id);
const createKey = async () => String((await post('/v1/keys', { name: 'old' }, newId())).id);

test.each([
  ['a session', 'chat_sessions', async () => ({ path: '/v1/chat/sessions', body: { title: 'once' } })],
  [
    'a message',
    'chat_turns',
    async () => ({ path: `/v1/chat/sessions/${await createSession()}/messages`, body: { content: 'Hi' } }),
  ],
  ['a key', 'api_keys', async () => ({ path: '/v1/keys', body: { name: 'once' } })],
  ['a replacement of a key', 'api_keys', async () => ({ path: `/v1/keys/${await createKey()}/rotate`, body: {} })],
])(
  '%s that was stored and whose reply was lost is there once after the same request again',
  async (_name, table, make) => {
    const { path, body } = await make();
    const before = await count(table);
    const idempotencyKey = newId();
    proxy.loseReplyTo(idempotencyKey);
    expect(await post(path, body, idempotencyKey)).toMatchObject({ status: 503, shouldRetry: null });
    await msUntil(async () => (await count(table)) === before + 1);
    // A turn whose start was lost is 409 until it is seen that nobody runs it, and is answered as one that was interrupted.
    await msUntil(async () => (await post(path, body, idempotencyKey)).isReplay, 30_000);
    expect(await count(table)).toBe(before + 1);
  },
);

test.each([
  ['a session', 'chat_sessions', async (title: string) => ({ path: '/v1/chat/sessions', body: { title } })],
  [
    'a message',
    'chat_turns',
    async (content: string) => ({ path: `/v1/chat/sessions/${await createSession()}/messages`, body: { content } }),
  ],
])(
  '%s without a key that was stored and whose reply was lost is not to be sent again on its own',
  async (_name, table, make) => {
    const text = newId();
    const { path, body } = await make(text);
    const before = await count(table);
    proxy.loseReplyTo(text);
    expect(await post(path, body)).toMatchObject({ status: 503, shouldRetry: 'false' });
    await msUntil(async () => (await count(table)) === before + 1);
  },
);

test.each([
  ['marking all notifications as read', '/v1/notifications/read-all', {}],
  ['a completion', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] }],
])(
  '%s whose key was claimed and whose reply to that was lost is done by the same request again',
  async (_name, path, body) => {
    const idempotencyKey = newId();
    proxy.loseReplyTo(idempotencyKey);
    expect((await post(path, body, idempotencyKey)).status).toBe(503);
    await msUntil(async () => (await post(path, body, idempotencyKey)).status === 200, 5_000);
    expect((await post(path, body, idempotencyKey)).isReplay).toBe(true);
  },
);

test('an answer that was stored and whose reply was lost is given, also when the state of its conversation cannot be read', async () => {
  const me = await fetch(`${server.url}/v1/me`, { headers: { authorization: `Bearer ${key}` } });
  const { id } = (await me.json()) as { id: string };
  const before = server.output().length;
  proxy.loseReplyTo('chat.end_turns');
  const answering = post(`/api/${id}/chat`, { message: 'Hello' });
  // The next try, which finds it stored, comes after a pause.
  await msUntil(async () => server.output().slice(before).includes('could not store the end of a turn'), 5_000);
  proxy.loseReplyTo('chat.find_session');
  expect(await answering).toMatchObject({ status: 200 });
});

test('a refresh token that was used up and whose reply was lost is not to be sent again on its own', async () => {
  const signIn = await fetch(`${server.url}/api/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: await app.token('ann') }),
  });
  const body = { refresh_token: ((await signIn.json()) as { refresh_token: string }).refresh_token };
  const signInId = String(decodeJwt(body.refresh_token).sid);
  proxy.loseReplyTo(signInId);
  expect(await post('/api/auth/refresh', body, newId())).toMatchObject({ status: 503, shouldRetry: 'false' });
  await msUntil(async () => (await count('refresh_families')) === 1);
});
