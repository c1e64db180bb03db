import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { expect, onTestFinished, test } from 'vitest';
import { Deadline } from '../../src/base/deadline.ts';
import { startProduct } from '../harness/product.ts';
import { startStubProvider } from '../stubs/provider.ts';

test.each([false, true])('of completions that are refused nothing is left running (stream: %s)', async (stream) => {
  const product = await startProduct();
  onTestFinished(() => product.stop());
  const user = await product.createUser();
  const ask = async () => {
    const body = { model: 'nobody', stream, messages: [{ role: 'user', content: 'Hello' }] };
    const response = await product.request(user, 'POST', '/v1/chat/completions', body);
    expect(response.status).toBe(404);
    await response.text();
  };
  await ask();
  const before = queryObjects(Deadline) as unknown as number;
  for (let count = 0; count < 50; count++) await ask();
  await expect.poll(() => queryObjects(Deadline)).toBeLessThan(before + 10);
});

test('a stream whose time was up before its body had come asks no model', async () => {
  const provider = await startStubProvider({ mode: 'no-first-byte' });
  onTestFinished(() => provider.close());
  const product = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  onTestFinished(() => product.stop());
  const user = await product.createUser();
  const { hostname, port } = new URL(product.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Hello' }] });
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    `host: ${hostname}`,
    `authorization: Bearer ${user.key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'x-request-timeout-ms: 100',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  // Its time is over, and the server has not answered for it yet.
  await sleep(150);
  socket.write(body);
  const [answer] = await once(socket.setEncoding('utf8'), 'data');
  // 408 where this process was held up until after the server's last word.
  expect(answer).toMatch(/^HTTP\/1\.1 (503|408) /);
  expect(provider.requests).toEqual([]);
});
