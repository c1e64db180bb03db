import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubMode, type StubProvider, startStubProvider } from '../stubs/provider.ts';
import { type Answer, createClient } from './load.ts';

/** Much less than the time after which a claim counts as one of a dead process: five minutes. */
const soon = { timeout: 30_000, interval: 200 };

let database: TestDatabase;
let proxy: FaultProxy;
let provider: StubProvider;
let server: ServerProcess;
let dataDir: string;
let key: string;

beforeAll(async () => {
  [database, provider] = await Promise.all([createTestDatabase(), startStubProvider()]);
  proxy = await startFaultProxy(database.url);
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-claims-'));
  server = await startServerProcess({
    ...{ DATA_DIR: dataDir, DATABASE_URL: proxy.url, DATABASE_DIRECT_URL: database.url, LOG_LEVEL: 'silent' },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
    MODEL_FIRST_BYTE_TIMEOUT_MS: '1500',
  });
  key = await server.readKey();
});

afterAll(async () => {
  await server?.end('SIGTERM');
  await Promise.all([proxy?.close(), provider?.close()]);
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Asks for a completion by a key, and has the database be away when that is answered; answers how to ask again after it. */
async function askThroughOutage(mode: StubMode): Promise<{ answer: Answer; askAgain: () => Promise<Answer> }> {
  const send = createClient({ server, key });
  const ask = {
    ...{ method: 'POST' as const, path: '/v1/chat/completions', idempotencyKey: `by-${mode}` },
    body: { model: 'stub-model', messages: [{ role: 'user', content: 'Hello' }] },
  };
  provider.setMode(mode, { text: 'one two three four', delayMs: 500 });
  const before = provider.requestCount;
  const asking = send(ask);
  await until(() => provider.requestCount > before);
  proxy.setMode('reset');
  const answer = await asking;
  await sleep(1_000);
  proxy.setMode('pass');
  provider.setMode('ok', { delayMs: 0 });
  return { answer, askAgain: () => send(ask) };
}

test('a completion that failed while the database was away is made by the same request again once it is back', async () => {
  const { answer, askAgain } = await askThroughOutage('no-first-byte');
  expect(answer.status).toBe(504);
  await expect.poll(async () => (await askAgain()).status, soon).toBe(200);
}, 60_000);

test('a completion whose answer came while the database was away is answered again once it is back', async () => {
  const { answer, askAgain } = await askThroughOutage('ok');
  expect(answer.status).toBe(200);
  const { requestCount } = provider;
  await expect.poll(async () => (await askAgain()).body, soon).toEqual(answer.body);
  expect(provider.requestCount).toBe(requestCount);
}, 60_000);
