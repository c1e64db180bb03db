import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct } from '../harness/product.ts';

let app: PrivyApp;
let product: Product;

beforeAll(async () => {
  app = await createPrivyApp();
  product = await startProduct({ ...app.variables, TRUSTED_PROXIES: '127.0.0.1' });
});

afterAll(() => product.stop());

/** The status of a sign-in with a token that is signed by nobody, or a good one, from an address. */
async function tryFrom(ip: string, token: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': ip };
  const response = await fetch(`${product.url}/api/auth`, { method: 'POST', headers, body: JSON.stringify({ token }) });
  return response.status;
}

const badToken = async (subject: string) => (await app.token(subject)).replace(/[^.]*$/, 'AAAA');
const countOf = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length;

test('refused tokens are 10 of an account in a minute, at once too; further ones are 429, a good one is not', async () => {
  const token = await badToken('guessed');
  const statuses = await Promise.all(Array.from({ length: 30 }, (_, index) => tryFrom(`192.0.2.${index}`, token)));
  expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([10, 20]);
  expect(await tryFrom('192.0.2.1', await app.token('guessed'))).toBe(201);
});

test('refused tokens are 100 of an address in a minute, an IPv6 network being one', async () => {
  const statuses = await Promise.all(
    Array.from({ length: 120 }, async (_, index) =>
      tryFrom(`2001:db8::${(index + 1).toString(16)}`, await badToken(`many-${index}`)),
    ),
  );
  expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([100, 20]);
  expect(await tryFrom('2001:db8:0:1::1', await badToken('many-x'))).toBe(401);
});
