import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { followEvents, readEvents } from '../harness/turn-events.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

const text = Array.from({ length: 20 }, (_value, index) => `word${index}`).join(' ');

let database: TestDatabase;
let proxy: FaultProxy;
let provider: StubProvider;
let dataDir: string;
let key: string;
/** The one whose way to the database is broken, and the one that reads of its turns. */
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  [database, provider] = await Promise.all([createTestDatabase(), startStubProvider({ text })]);
  proxy = await startFaultProxy(database.url);
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-turns-'));
  second = await startServer(database.url);
  first = await startServer(proxy.url);
  key = await first.readKey();
}, 60_000);

afterAll(async () => {
  await Promise.all([first?.end('SIGKILL'), second?.end('SIGKILL')]);
  await provider?.close();
  await proxy?.close();
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const startServer = (databaseUrl: string) =>
  startServerProcess({
    ...{ DATA_DIR: dataDir, DATABASE_URL: databaseUrl, DATABASE_DIRECT_URL: database.url, LOG_LEVEL: 'warn' },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
  });

const call = (server: ServerProcess, path: string, body?: unknown) =>
  fetch(server.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

/** Begins a turn on the first server; answers the path of it. */
async function begin(): Promise<string> {
  const { id } = (await (await call(second, '/v1/chat/sessions', {})).json()) as { id: string };
  const response = await call(first, `/v1/chat/sessions/${id}/messages`, { content: 'Hello', stream: true });
  const started = await followEvents(response).next();
  return `/v1/chat/sessions/${id}/turns/${started.value?.data.turn_id}`;
}

const readAll = async (server: ServerProcess, turn: string) =>
  readEvents(await (await call(server, `${turn}/events`)).text());

it('text that was stored and whose reply was lost is told once by another server', async () => {
  provider.setMode('ok', { delayMs: 100 });
  const turn = await begin();
  proxy.loseReplyTo('word7');
  const followed = await readAll(second, turn);
  expect(followed).toEqual(await readAll(first, turn));
  expect(followed.at(-2)?.data.message).toMatchObject({ content: text, status: 'complete' });
});
