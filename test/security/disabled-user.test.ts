import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { connectChat } from '../harness/chat-client.ts';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

/** How soon a user is dead everywhere who is disabled while changes are heard of. */
const HEARD_BOUND_MS = 1_000;
/** The same while they are not, from the moment at which they are lost too: two seconds, and as much for what is read. */
const DEAF_BOUND_MS = 4_000;

let provider: StubProvider;
let app: PrivyApp;
/** Where the operator disables users. */
let product: Product;
let operator: TestUser;
/** Where users have everything open; and what is before its notifications. */
let other: ServerProcess;
let direct: FaultProxy;
let dataDir: string;

beforeAll(async () => {
  app = await createPrivyApp();
  provider = await startStubProvider({ text: 'One two three.' });
  provider.setMode('stall-mid-stream');
  product = await startProduct();
  direct = await startFaultProxy(product.databaseUrl);
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-disabled-'));
  const variables = {
    ...app.variables,
    ...{ DATA_DIR: dataDir, DATABASE_URL: product.databaseUrl, DATABASE_DIRECT_URL: direct.url },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model', DRAIN_TIMEOUT_MS: '1000' },
  };
  // Workers on jobs have connections behind that proxy too, and would wait for them when they stop.
  other = await startServerProcess(variables, undefined, ['--no-jobs']);
  operator = await product.createUser();
});

afterAll(async () => {
  await other?.end('SIGTERM');
  await direct?.close();
  await product?.stop();
  await provider?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const readiness = async () => (await fetch(`${other.url}/readyz`)).text();

async function call(key: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const method = body === undefined ? 'GET' : 'POST';
  return await fetch(other.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

/** A user with a key, tokens, a WebSocket, streams, and a turn that nobody reads, all on the other server. */
async function openEverything(name: string) {
  const signUp = await call('', '/api/auth', { token: await app.token(name) });
  const signedIn = (await signUp.json()) as {
    user: { id: string };
    api_key: string;
    access_token: string;
    refresh_token: string;
  };
  const { user, api_key: key, access_token: token, refresh_token: refresh } = signedIn;
  const { id } = (await (await call(key, '/v1/chat/sessions', {})).json()) as { id: string };
  const unread = await call(key, `/v1/chat/sessions/${id}/messages`, { content: 'Hello', stream: true });
  await unread.body?.cancel();
  const message = { content: 'Hello', stream: true };
  const streams = [
    await call(key, '/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello' }], stream: true }),
    await call(token, `/v1/chat/sessions/${id}/messages`, message),
  ];
  expect([unread, ...streams].map(({ status }) => status)).toEqual([200, 200, 200]);
  const socket = await connectChat(other.url, { headers: { authorization: `Bearer ${token}` } });
  onTestFinished(() => socket.socket.terminate());
  return { userId: user.id, key, token, refresh, streams, socket };
}

async function endsOfTurns(userId: string): Promise<string[]> {
  const ends = sql<{ text: string }>`
    -- test.ends_of_turns
    select concat_ws(' ', status, error_code) as text from chat_turns where user_id = ${userId}`;
  return (await product.postgres.query(ends, testContext())).map(({ text }) => text);
}

test.each([
  ['within a second', HEARD_BOUND_MS, async () => {}],
  ['within the stated bound when notifications are lost just then', DEAF_BOUND_MS, () => direct.setMode('black-hole')],
  [
    'and when they were lost before',
    DEAF_BOUND_MS,
    async () => {
      direct.setMode('black-hole');
      await until(async () => (await readiness()).includes('degraded'));
    },
  ],
])('of a user who is disabled on one server nothing lives on another, %s', async (name, boundMs, fault) => {
  direct.setMode('pass');
  await untilReady(other);
  const { userId, key, token, refresh, streams, socket } = await openEverything(name);
  const abortedBefore = provider.aborts.length;
  await fault();
  const disabled = await product.request(operator, 'PATCH', `/admin/users/${userId}`, { disabled: true });
  const disabledAtMs = performance.now();
  expect(disabled.status).toBe(200);

  const [completion = '', turn = ''] = await Promise.all(streams.map((stream) => stream.text()));
  expect(completion).toMatch(/auth\.user_disabled(?!.*\[DONE\])/s);
  // Whichever comes first, the end of the stream or that of its turn, after whose error it is marked as ended.
  expect(turn).toMatch(/auth\.user_disabled(?!.*turn\.completed)/s);
  expect(await socket.closed()).toBe(1008);
  expect(socket.frames.at(-1)?.error.code).toBe('auth.user_disabled');
  await until(async () => (await endsOfTurns(userId)).every((end) => end !== 'running'));
  await until(() => provider.aborts.length === abortedBefore + 3);
  await until(async () => (await call(key, '/v1/me')).status === 401);
  expect(performance.now() - disabledAtMs).toBeLessThan(boundMs);

  expect(await endsOfTurns(userId)).toEqual(['failed auth.user_disabled', 'failed auth.user_disabled']);
  const answers = [
    await call(token, '/v1/me'),
    await call('', '/api/auth/refresh', { refresh_token: refresh }),
    await call('', '/api/auth', { token: await app.token(name) }),
  ];
  for (const answer of answers) {
    expect([answer.status, await answer.json()]).toMatchObject([401, { error: { code: 'auth.user_disabled' } }]);
  }
  await expect(connectChat(other.url, { headers: { authorization: `Bearer ${key}` } })).rejects.toThrow('401');
});

test('a turn of a user whose key is revoked goes on: it is the user’s, not the key’s', async () => {
  direct.setMode('pass');
  await untilReady(other);
  const { userId, key, token, streams } = await openEverything('revoked');
  const { data } = (await (await call(token, '/v1/keys')).json()) as { data: { id: string }[] };
  const revoked = await fetch(`${other.url}/v1/keys/${data[0]?.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });
  expect(revoked.status).toBe(200);
  expect(await streams[0]?.text()).toContain('auth.invalid_key');
  expect((await call(key, '/v1/me')).status).toBe(401);
  expect(await endsOfTurns(userId)).toEqual(['running', 'running']);
  await streams[1]?.body?.cancel();
});

test('what a key has opened ends when the key may no longer do it', async () => {
  direct.setMode('pass');
  await untilReady(other);
  const { key, token, streams } = await openEverything('narrowed');
  const socket = await connectChat(other.url, { headers: { authorization: `Bearer ${key}` } });
  onTestFinished(() => socket.socket.terminate());
  const { data } = (await (await call(token, '/v1/keys')).json()) as { data: { id: string }[] };
  const narrowed = await fetch(`${other.url}/v1/keys/${data[0]?.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ permissions: ['account:read'] }),
  });
  expect(narrowed.status).toBe(200);
  expect(await streams[0]?.text()).toMatch(/keys\.permission_missing(?!.*\[DONE\])/s);
  expect(await socket.closed()).toBe(1008);
  expect(socket.frames.at(-1)?.error.code).toBe('keys.permission_missing');
  expect((await call(key, '/v1/me')).status).toBe(200);
  await streams[1]?.body?.cancel();
});
