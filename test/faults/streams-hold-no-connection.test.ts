import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startStubProvider } from '../stubs/provider.ts';
import { listHeld, startFaultServer } from './fault-server.ts';
import { createClient } from './load.ts';

const POOL = 5;
const STREAMS = 4 * POOL;
const WORDS = 'one two three four five six';
/** Between two words. */
const THINK_MS = 1_000;

test('no connection is held while a model thinks: four times as many streams as connections, and others are served', async () => {
  const provider = await startStubProvider({ text: WORDS, delayMs: THINK_MS });
  onTestFinished(() => provider.close());
  const hurt = await startFaultServer({
    DATABASE_POOL_SIZE: String(POOL),
    DATABASE_POOL_OVERFLOW: '0',
    MODEL_BASE_URL: provider.url,
    MODEL_NAME: 'stub-model',
  });
  const send = createClient(hurt);
  const streams = Array.from({ length: STREAMS }, async () => {
    const { body: session } = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
    const response = await fetch(`${hurt.server.url}/v1/chat/sessions/${session.id}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hurt.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'Count', stream: true }),
    });
    return { status: response.status, text: await response.text() };
  });
  let isDone = false;
  const texts = Promise.all(streams).finally(() => {
    isDone = true;
  });
  // All have begun: the model has been asked by each, and is slow to say anything.
  while (provider.requests.length < STREAMS && !isDone) await sleep(10);
  let looks = 0;
  while (!isDone) {
    looks++;
    expect(await listHeld(hurt.admin, THINK_MS / 2)).toEqual([]);
    expect((await send({ path: '/v1/chat/sessions?limit=1' })).status).toBe(200);
    await sleep(20);
  }
  for (const { status, text } of await texts) {
    expect(status).toBe(200);
    expect(text).toContain(`"content":"${WORDS}"`);
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
  }
  expect(looks).toBeGreaterThan(50);
});
