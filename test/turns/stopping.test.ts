import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { countLocked } from '../harness/count-locked.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { until } from '../harness/until.ts';

interface Stopping {
  readonly product: Product;
  readonly admin: Client;
  /** Sends a message whose session's row is held, and waits until it waits for that. */
  post(signal?: AbortSignal): Promise<{ answer: Promise<Response>; letGo: () => Promise<unknown> }>;
}

async function startStopping(variables: Record<string, string> = {}): Promise<Stopping> {
  const product = await startProduct(variables);
  onTestFinished(() => product.stop());
  const [admin, holder] = await Promise.all([product.connect(), product.connect()]);
  const user = await product.createUser();
  return {
    product,
    admin,
    async post(signal) {
      const id = await product.createSession(user);
      await holder.query('begin');
      await holder.query('select from chat_sessions where id = $1 for update', [id]);
      const answer = fetch(`${product.url}/v1/chat/sessions/${id}/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ content: 'Hi' }),
        ...(signal && { signal }),
      });
      answer.catch(() => undefined);
      await until(async () => (await countLocked(admin)) === 1);
      return { answer, letGo: () => holder.query('rollback') };
    },
  };
}

async function readTurns(admin: Client): Promise<unknown[]> {
  const { rows } = await admin.query<{ status: string }>('select status from chat_turns');
  return rows.map(({ status }) => status);
}

test('a server that stops waits for a message that is being stored, also when its client has left, and answers it', async () => {
  const { product, admin, post } = await startStopping();
  const client = new AbortController();
  const { answer, letGo } = await post(client.signal);
  client.abort();
  await expect(answer).rejects.toThrow();
  const stopped = product.server.stop();
  await sleep(500);
  await letGo();
  await stopped;
  expect(await readTurns(admin)).toEqual(['completed']);
});

test('a message that is stored after the time to stop is interrupted, and its client told not to send it again', async () => {
  const { product, admin, post } = await startStopping({ DRAIN_TIMEOUT_MS: '1' });
  const { answer, letGo } = await post();
  const stopped = product.server.stop();
  const { status, headers } = await answer;
  expect([status, headers.get('x-should-retry')]).toEqual([503, 'false']);
  await letGo();
  await stopped;
  expect(await readTurns(admin)).toEqual(['interrupted']);
});
