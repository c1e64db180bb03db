import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

/** How soon a change is heard of on every server. */
const BOUND_MS = 1_000;

let provider: StubProvider;
let product: Product;
/** Another server on the same database. */
let other: ServerProcess;
let dataDir: string;
let operator: TestUser;

beforeAll(async () => {
  provider = await startStubProvider({ text: 'One two three.' });
  provider.setMode('stall-mid-stream');
  product = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-disabled-'));
  other = await startServerProcess({ DATA_DIR: dataDir, DATABASE_URL: product.databaseUrl });
  operator = await product.createUser();
});

afterAll(async () => {
  await other?.end('SIGTERM');
  await product?.stop();
  await provider?.close();
  await rm(dataDir, { recursive: true, force: true });
});

test('a user who is disabled on one server has no key and no stream that lives on another after a second', async () => {
  const user = await product.createUser();
  const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], stream: true });
  const stream = await fetch(`${product.url}/v1/chat/completions`, { method: 'POST', headers, body });
  expect(stream.status).toBe(200);

  const disabled = await fetch(`${other.url}/admin/users/${user.userId}`, {
    method: 'PATCH',
    headers: { ...headers, authorization: `Bearer ${operator.key}` },
    body: '{"disabled":true}',
  });
  const disabledAtMs = performance.now();
  expect(disabled.status).toBe(200);
  expect(await stream.text()).toContain('auth.user_disabled');
  expect((await product.request(user, 'GET', '/v1/me')).status).toBe(401);
  expect(performance.now() - disabledAtMs).toBeLessThan(BOUND_MS);
});
