import { expect, onTestFinished, test } from 'vitest';
import { startProduct } from '../harness/product.ts';

/** The address from which a key was made, as the server took it. */
async function addressOf(variables: Record<string, string>): Promise<string> {
  const product = await startProduct(variables);
  onTestFinished(() => product.stop());
  const { key } = await product.createUser();
  await fetch(`${product.url}/v1/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-forwarded-for': '203.0.113.9, 198.51.100.7',
    },
    body: '{"name":"made from afar"}',
  });
  const response = await product.request({ key }, 'GET', '/v1/activity?kind=key.created');
  return ((await response.json()) as { data: { ip: string }[] }).data[0]?.ip ?? '';
}

test('X-Forwarded-For is believed of a configured proxy alone, and only what that one added', async () => {
  expect(await addressOf({})).toBe('127.0.0.1');
  expect(await addressOf({ TRUSTED_PROXIES: '192.0.2.1' })).toBe('127.0.0.1');
  expect(await addressOf({ TRUSTED_PROXIES: '127.0.0.1' })).toBe('198.51.100.7');
});
