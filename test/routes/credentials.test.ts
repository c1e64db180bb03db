import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../src/core/keys/index.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';

let product: Product;
let user: TestUser;

beforeAll(async () => {
  product = await startProduct();
  user = await product.createUser('ann');
});

afterAll(() => product.stop());

async function call(headers: Record<string, string>): Promise<unknown[]> {
  const response = await fetch(`${product.url}/v1/me`, { headers });
  const body = (await response.json()) as { username?: string; error?: { code: string } };
  return [response.status, body.username ?? body.error?.code];
}

test('a key is taken from x-api-key, also beside an Authorization that is none of ours', async () => {
  const ours = { 'x-api-key': user.key };
  for (const headers of [ours, { ...ours, authorization: 'Basic YW5uOnNlY3JldA==' }, { ...ours, authorization: '' }]) {
    expect(await call(headers)).toEqual([200, 'ann']);
  }
  expect(await call({ authorization: 'Basic YW5uOnNlY3JldA==' })).toEqual([401, 'auth.missing_credential']);
});

test('a Bearer is what is looked at where there is one, whatever x-api-key says', async () => {
  expect(await call({ authorization: `Bearer ${newSecret()}`, 'x-api-key': user.key })).toEqual([
    401,
    'auth.invalid_key',
  ]);
  expect(await call({ authorization: `bearer ${user.key}`, 'x-api-key': newSecret() })).toEqual([200, 'ann']);
});
