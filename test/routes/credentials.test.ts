import { expect, test } from 'vitest';
import { newSecret } from '../../src/core/keys/index.ts';
import { useProduct, useUser } from '../harness/product.ts';

const product = useProduct();
const user = useUser(product, 'ann');

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

test('an access token in x-api-key is no key, and is not looked at as a token', async () => {
  expect(await call({ 'x-api-key': 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA' })).toEqual([401, 'auth.invalid_key']);
});

test('blanks before a Bearer’s credential are no part of it', async () => {
  expect(await call({ authorization: `Bearer   ${user.key}` })).toEqual([200, 'ann']);
  expect(await call({ authorization: `Bearer \t${user.key}` })).toEqual([200, 'ann']);
  const headers = { authorization: 'Bearer \tx' };
  for (const path of ['/api/auth', '/api/auth/logout']) {
    const response = await fetch(product.url + path, { method: 'POST', headers });
    expect(await response.json()).toMatchObject({ error: { code: 'auth.invalid_token' } });
  }
});

test('a 401 says by which scheme to sign in', async () => {
  const headers = [{}, { authorization: `Bearer ${newSecret()}` }, { authorization: 'Basic YW5uOnNlY3JldA==' }];
  for (const each of headers) {
    const response = await fetch(`${product.url}/v1/me`, { headers: each as Record<string, string> });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  }
});

test('a key that is sent where a model’s name belongs is repeated nowhere', async () => {
  const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' };
  const inPath = await fetch(`${product.url}/v1/models/${user.key}`, { headers });
  const messages = [{ role: 'user', content: 'Hello' }];
  const body = JSON.stringify({ model: user.key, messages });
  const inBody = await fetch(`${product.url}/v1/chat/completions`, { method: 'POST', headers, body });
  for (const [response, status, code] of [
    [inPath, 400, 'http.key_in_url'],
    [inBody, 404, 'models.not_found'],
  ] as const) {
    const text = await response.text();
    expect([response.status, JSON.parse(text).error.code]).toEqual([status, code]);
    expect(text).not.toContain(user.key);
  }
});

test('a Bearer is what is looked at where there is one, whatever x-api-key says', async () => {
  expect(await call({ authorization: `Bearer ${newSecret()}`, 'x-api-key': user.key })).toEqual([
    401,
    'auth.invalid_key',
  ]);
  expect(await call({ authorization: `bearer ${user.key}`, 'x-api-key': newSecret() })).toEqual([200, 'ann']);
});
