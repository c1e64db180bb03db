import { expect, onTestFinished, test } from 'vitest';
import { createPrivyApp } from '../harness/privy-app.ts';
import { startProduct } from '../harness/product.ts';

test('a new user is welcomed, once', async () => {
  const app = await createPrivyApp();
  const product = await startProduct(app.variables);
  onTestFinished(() => product.stop());
  const signIn = async () => {
    const response = await product.request(undefined, 'POST', '/api/auth', { token: await app.token('ann') });
    return ((await response.json()) as { access_token: string }).access_token;
  };
  const keys = [await signIn(), await signIn()];
  const titles = async () => {
    const response = await product.request({ key: keys[1] ?? '' }, 'GET', '/v1/notifications');
    return ((await response.json()) as { data: { title: string }[] }).data.map(({ title }) => title);
  };
  await expect.poll(titles, { timeout: 10_000, interval: 50 }).toEqual(['Welcome']);
});
