import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from '../process/server-process.ts';
import { startStubProvider } from '../stubs/provider.ts';
import { createClient } from './load.ts';

const WORDS = 20;
const text = Array.from({ length: WORDS }, (_value, index) => `word${index}`).join(' ');
const WORD_MS = 150;
/** Longer than a turn's owner may be silent. */
const AWAY_MS = 18_000;

test('an answer that is finished while the database is away is stored when it is back, and no server takes the turn for dead', async () => {
  const [database, provider] = await Promise.all([createTestDatabase(), startStubProvider({ text, delayMs: WORD_MS })]);
  onTestFinished(() => database.drop());
  onTestFinished(() => provider.close());
  const proxy = await startFaultProxy(database.url);
  onTestFinished(() => proxy.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-outage-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const variables = {
    ...{ DATA_DIR: dataDir, DATABASE_URL: proxy.url, DATABASE_DIRECT_URL: database.url, LOG_LEVEL: 'warn' },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
  };
  const server = await startServerProcess(variables);
  onTestFinished(async () => void (await server.end('SIGKILL')));
  // Looks for dead turns too.
  const other = await startServerProcess(variables);
  onTestFinished(async () => void (await other.end('SIGKILL')));
  const key = await server.readKey();
  const send = createClient({ server, key });
  const session = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
  const path = `/v1/chat/sessions/${session.body.id}/messages`;
  const answering = send({ method: 'POST', path, body: { content: 'Hello' } });
  await sleep((WORDS - 4) * WORD_MS);
  proxy.setMode('reset');
  await sleep(AWAY_MS);
  proxy.setMode('pass');
  expect(await answering).toMatchObject({ status: 200, body: { content: text, status: 'complete' } });
  const { body } = await send({ path });
  expect(body.data).toMatchObject([{ role: 'user' }, { content: text, status: 'complete' }]);
});
