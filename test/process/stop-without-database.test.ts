import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createClient } from '../faults/load.ts';
import { countLocked } from '../harness/count-locked.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { startStubProvider } from '../stubs/provider.ts';
import { startServerProcess } from './server-process.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

const DRAIN_TIMEOUT_MS = 5_000;
/** 40 s, which a server is given before SIGKILL, are for a drain of 25 s. */
const STOP_BOUND_MS = DRAIN_TIMEOUT_MS + 15_000;

// Side by side: they wait for most of their time.
it.concurrent.for(['serve', 'work'])(
  '"%s" that is told to stop while its database says nothing ends well, and in time',
  { timeout: 40_000 },
  async (command, { onTestFinished }) => {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const proxy = await startFaultProxy(database.url);
    onTestFinished(() => proxy.close());
    const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-silent-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
    const child = spawn(process.execPath, [main, command], {
      env: {
        ...{ PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir },
        ...{ DATABASE_URL: proxy.url, DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS) },
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const started = Promise.withResolvers<void>();
    child.stdout.on('data', (chunk) => /Evenkeel is (ready|working)/.test(chunk) && started.resolve());
    await started.promise;
    proxy.setMode('black-hole');
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_BOUND_MS) });
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  },
);

it.concurrent('"serve" whose turn cannot be stored, for its database is away, ends well, and in time', async ({
  onTestFinished,
}) => {
  const [database, provider] = await Promise.all([createTestDatabase(), startStubProvider({ delayMs: 60_000 })]);
  onTestFinished(() => database.drop());
  onTestFinished(() => provider.close());
  const proxy = await startFaultProxy(database.url);
  onTestFinished(() => proxy.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-away-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startServerProcess({
    ...{ DATABASE_URL: proxy.url, DATA_DIR: dataDir, DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS) },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
  });
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const send = createClient({ server, key: await server.readKey() });
  const session = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
  const path = `/v1/chat/sessions/${session.body.id}/messages`;
  const answering = send({ method: 'POST', path, body: { content: 'Hello' } });
  await until(() => provider.requestCount > 0);
  proxy.setMode('reset');
  const ended = once(server.child, 'exit', { signal: AbortSignal.timeout(STOP_BOUND_MS) });
  server.child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await answering).toMatchObject({ status: 503 });
  expect(server.output()).toMatch(/"request_id":"[\w-]+","msg":"could not store the end of a turn"/);
}, 40_000);

it('"serve" that is told to stop is not ready from then on, whatever it waits for in its database', async ({
  onTestFinished,
}) => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-locked-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const server = await startServerProcess({ DATABASE_URL: database.url, DATA_DIR: dataDir });
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const admin = await database.connect();
  const readiness = async () => (await fetch(`${server.url}/readyz`)).status;
  await admin.query('begin; lock table chat_turns');
  await expect.poll(() => countLocked(admin), { timeout: 10_000, interval: 20 }).toBe(1);
  expect(await readiness()).toBe(200);
  const ended = server.end('SIGTERM');
  // Sooner than the statement that waits is given up.
  await expect.poll(readiness, { timeout: 1_500, interval: 20 }).toBe(503);
  await admin.query('rollback');
  expect(await ended).toBe(0);
});
