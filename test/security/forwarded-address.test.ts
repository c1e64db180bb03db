import { expect, onTestFinished, test } from 'vitest';
import { type Product, startProduct, useProduct } from '../harness/product.ts';

const behindProxy = useProduct({ TRUSTED_PROXIES: '127.0.0.1' });

/** The status of making a key with this header, and the address from which it was made, as the server took it. */
async function makeKey(product: Product, forwardedFor: string): Promise<{ status: number; ip: string | undefined }> {
  const { key } = await product.createUser();
  const { status } = await fetch(`${product.url}/v1/keys`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'x-forwarded-for': forwardedFor,
    },
    body: '{"name":"made from afar"}',
  });
  const response = await product.request({ key }, 'GET', '/v1/activity?kind=key.created');
  return { status, ip: ((await response.json()) as { data: { ip: string }[] }).data[0]?.ip };
}

test('X-Forwarded-For is believed of a configured proxy alone, and only what that one added', async () => {
  const forged = '203.0.113.9, 198.51.100.7';
  for (const variables of [{}, { TRUSTED_PROXIES: '192.0.2.1' }]) {
    const product = await startProduct(variables);
    onTestFinished(() => product.stop());
    expect((await makeKey(product, forged)).ip).toBe('127.0.0.1');
  }
  expect((await makeKey(behindProxy, forged)).ip).toBe('198.51.100.7');
});

test.each([
  ['198.51.100.7:51234', '198.51.100.7'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['unknown', '127.0.0.1'],
])('a proxy that writes %s into X-Forwarded-For breaks nothing: the address is %s', async (forwardedFor, ip) => {
  expect(await makeKey(behindProxy, forwardedFor)).toEqual({ status: 201, ip });
});
