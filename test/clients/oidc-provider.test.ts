import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../harness/listen.ts';
import { type Product, startProduct } from '../harness/product.ts';

const CLIENT = { client_id: 'robot', client_secret: 'secret-of-the-robot' };
const RESOURCE = 'https://api.example.com';

let server: Server;
let issuer: string;
let product: Product;

/** A provider as it is in the world, whose clients get access tokens that are JWTs for our audience. */
async function startProvider(): Promise<void> {
  server = createServer();
  issuer = `http://127.0.0.1:${await listen(server)}`;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'real', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        ...CLIENT,
        id_token_signed_response_alg: 'ES256',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: '', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
      },
    },
  });
  server.on('request', provider.callback());
}

beforeAll(async () => {
  await startProvider();
  product = await startProduct({
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: RESOURCE,
    AUTH_SECRETS: 'a-secret-of-the-tests-that-is-long-enough',
  });
});

afterAll(async () => {
  await product?.stop();
  server.close();
});

async function fetchToken(): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...CLIENT, grant_type: 'client_credentials', resource: RESOURCE }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

test('tokens of a certified OpenID provider sign in, its keys found by discovery', async () => {
  const first = await product.request(undefined, 'POST', '/api/auth', { token: await fetchToken() });
  expect([first.status, await first.json()]).toMatchObject([201, { is_new_user: true }]);
  const second = await product.request(undefined, 'POST', '/api/auth', { token: await fetchToken() });
  expect([second.status, await second.json()]).toMatchObject([200, { is_new_user: false }]);
});
