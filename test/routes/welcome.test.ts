import { expect, onTestFinished, test } from 'vitest';
import { ensureWelcomeSession } from '../../src/core/chat/index.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { startProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

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

test('the lines to try that a start prints are for a session of their own, the same each time', async () => {
  const product = await startProduct();
  onTestFinished(() => product.stop());
  const user = await product.createUser();
  const ensure = () => ensureWelcomeSession(product.postgres, user.userId, testContext());
  const create = () => product.createSession(user, { title: 'My expenses' });
  const first = await create();
  const [welcome, again] = await Promise.all([ensure(), ensure()]);
  expect(again).toBe(welcome);
  const second = await create();
  expect([first, second]).not.toContain(welcome);
  expect(await ensure()).toBe(welcome);
});
