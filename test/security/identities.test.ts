import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { AUDIENCE, startTestIssuer, type TestIssuer } from '../harness/test-issuer.ts';

let app: PrivyApp;
let issuer: TestIssuer;
let product: Product;

beforeAll(async () => {
  [app, issuer] = await Promise.all([createPrivyApp(), startTestIssuer()]);
  product = await startProduct({ ...app.variables, OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: AUDIENCE });
});

afterAll(async () => {
  await product?.stop();
  await issuer?.close();
});

interface SignedIn {
  readonly user: { readonly id: string; readonly email: string | null };
  readonly is_new_user: boolean;
  readonly access_token: string;
}

async function signIn(token: string): Promise<SignedIn> {
  const response = await product.request(undefined, 'POST', '/api/auth', { token });
  return (await response.json()) as SignedIn;
}

const byPrivy = async (sub: string, claims: JWTPayload = {}) => signIn(await app.token(sub, { ...claims, sub }));
const byOidc = async (sub: string, claims: JWTPayload = {}) => signIn(await issuer.token({ ...claims, sub }));

test('the same subject at another issuer is another account, and each finds its own again', async () => {
  const [privy, oidc] = [await byPrivy('ann'), await byOidc('ann')];
  expect([privy.is_new_user, oidc.is_new_user]).toEqual([true, true]);
  expect(oidc.user.id).not.toBe(privy.user.id);
  expect([(await byPrivy('ann')).user.id, (await byOidc('ann')).user.id]).toEqual([privy.user.id, oidc.user.id]);
});

test.each([true, false])('an e-mail address of another account, verified: %s, links nothing', async (isVerified) => {
  const email = `${isVerified}@example.com`;
  const victim = await byPrivy(`victim-${isVerified}`, { email, email_verified: true });
  const claims = { email, email_verified: isVerified };
  const strangers = [await byOidc(`stranger-${isVerified}`, claims), await byPrivy(`stranger-${isVerified}`, claims)];
  expect(strangers.map(({ is_new_user }) => is_new_user)).toEqual([true, true]);
  expect(new Set([victim, ...strangers].map(({ user }) => user.id)).size).toBe(3);
});

test('an account that takes the e-mail address of somebody who comes later does not become theirs', async () => {
  const squatter = await byPrivy('squatter');
  const change = { email: 'later@example.com' };
  const changed = await product.request({ key: squatter.access_token }, 'PATCH', '/v1/me', change);
  expect(changed.status).toBe(200);
  const later = await byOidc('later', { email: 'later@example.com', email_verified: true });
  expect([later.is_new_user, later.user.id === squatter.user.id]).toEqual([true, false]);
});
