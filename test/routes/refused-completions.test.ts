import { queryObjects } from 'node:v8';
import { expect, onTestFinished, test } from 'vitest';
import { Deadline } from '../../src/base/deadline.ts';
import { startProduct } from '../harness/product.ts';

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
