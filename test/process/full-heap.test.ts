import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { makeTestDirectory } from '../harness/make-test-directory.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startStubProvider } from '../stubs/provider.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** An old part of 128 MiB: a server that has just started uses 55, and a question of a megabyte 1.5 until it is answered. */
const NODE_OPTIONS = '--max-old-space-size=128 --max-semi-space-size=64';
const MODEL_NAME = 'stub-model';
const QUESTION = 'What now? '.repeat(100_000);
/** So few that what is under way when the heap is found full fits beside it: what comes at once is not seen in time. */
const ASKERS = 3;
/** How long a server is asked for more than it has room for. Without bounds it lives for a second of that. */
const FULL_MS = 5_000;

interface Outcome {
  /** 0 when the connection broke. */
  readonly status: number;
  readonly retryAfter: unknown;
}

/** Asks a server with its first key; what is answered 200 is read to its end, whenever that comes. */
async function createAsk({ url, readKey }: ServerProcess): Promise<(content: string) => Promise<Outcome>> {
  const headers = { authorization: `Bearer ${await readKey()}`, 'content-type': 'application/json' };
  const dispatcher = new Agent();
  onTestFinished(() => dispatcher.destroy());
  return async (content) => {
    const body = JSON.stringify({ model: MODEL_NAME, stream: true, messages: [{ role: 'user', content }] });
    try {
      const answer = await request(`${url}/v1/chat/completions`, { method: 'POST', headers, body, dispatcher });
      answer.body.on('error', () => {}).resume();
      return { status: answer.statusCode, retryAfter: answer.headers['retry-after'] };
    } catch {
      return { status: 0, retryAfter: undefined };
    }
  };
}

test('a server whose memory is nearly full refuses requests, lives, and answers again when it has room', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const dataDir = await makeTestDirectory();
  let provider = await startStubProvider({ mode: 'no-first-byte' });
  onTestFinished(() => provider.close());
  const variables = { DATA_DIR: dataDir, DATABASE_URL: database.url, MODEL_BASE_URL: provider.url, MODEL_NAME };
  const server = await startServerProcess({ ...variables, NODE_OPTIONS });
  onTestFinished(async () => {
    await server.end('SIGKILL');
  });
  const ask = await createAsk(server);

  const refused: Outcome[] = [];
  let fullAtMs = Number.POSITIVE_INFINITY;
  const askOn = async (): Promise<void> => {
    while (performance.now() < fullAtMs + FULL_MS && server.child.signalCode === null) {
      const outcome = await ask(QUESTION);
      if (outcome.status === 200) continue;
      if (outcome.status === 503) refused.push(outcome);
      fullAtMs = Math.min(fullAtMs, performance.now());
      await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: ASKERS }, askOn));
  expect(server.child.signalCode, server.output()).toBe(null);
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['1']));
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);

  const port = Number(new URL(provider.url).port);
  await provider.close();
  provider = await startStubProvider({ port });
  await expect.poll(() => ask('Hello'), { timeout: 20_000 }).toMatchObject({ status: 200 });
  expect(server.output()).toContain('memory is nearly full');
});
