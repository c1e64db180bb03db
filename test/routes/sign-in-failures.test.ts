import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct } from '../harness/product.ts';

let app: PrivyApp;
let product: Product;

beforeAll(async () => {
  // What is counted in a minute is tried in the same one.
  vi.useFakeTimers({ toFake: ['Date'] });
  app = await createPrivyApp();
  product = await startProduct({ ...app.variables, TRUSTED_PROXIES: '127.0.0.1' });
});

afterAll(async () => {
  await product.stop();
  vi.useRealTimers();
});

/** The status of a sign-in with a token that is signed by nobody, or a good one, from an address. */
async function tryFrom(ip: string, token: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': ip };
  const response = await fetch(`${product.url}/api/auth`, { method: 'POST', headers, body: JSON.stringify({ token }) });
  return response.status;
}

/** Not at once: a busy machine would refuse some for being so many. */
async function tryInTurn(count: number, attempt: (index: number) => Promise<number>): Promise<number[]> {
  const statuses: number[] = [];
  for (let index = 0; index < count; index++) statuses.push(await attempt(index));
  return statuses;
}

/** Every statement of users or of sign-ins that the server has run so far, a line for each name. */
async function statementsOf(): Promise<string[]> {
  const metrics = await (await fetch(`${product.url}/metrics`)).text();
  const counts = metrics.matchAll(/^evenkeel_statement_duration_seconds_count\{.*?"accounts\..*?\} (\d+)$/gm);
  return [...counts].flatMap(([, count]) => Array(Number(count)).fill('ran'));
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
  const statuses = await tryInTurn(120, async (index) =>
    tryFrom(`2001:db8::${(index + 1).toString(16)}`, await badToken(`many-${index}`)),
  );
  expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([100, 20]);
  expect(await tryFrom('2001:db8:0:1::1', await badToken('many-x'))).toBe(401);
});

test('refused tokens of an address are counted whatever port the proxy writes after it', async () => {
  const statuses = await tryInTurn(110, async (index) =>
    tryFrom(`198.51.100.7:${50_000 + index}`, await badToken(`port-${index}`)),
  );
  expect([countOf(statuses, 401), countOf(statuses, 429)]).toEqual([100, 10]);
});

test('a refused token is answered alike whoever it claims to be: the same bytes, and no statement', async () => {
  expect(await tryFrom('192.0.2.200', await app.token('known'))).toBe(201);
  const { length } = await statementsOf();
  expect(length).toBeGreaterThan(0);
  const answers = new Set<string>();
  for (const subject of ['known', 'unknown']) {
    for (const token of [await badToken(subject), await app.token(subject, { exp: 1 })]) {
      for (const path of ['/api/auth', '/api/auth/refresh', '/api/auth/logout']) {
        const body = path === '/api/auth' ? { token } : { refresh_token: token };
        const response = await product.request(undefined, 'POST', path, body);
        const timing = response.headers.get('server-timing')?.replaceAll(/dur=[\d.]+/g, '');
        const kind = token.endsWith('AAAA') ? 'forged' : 'expired';
        answers.add([path, kind, response.status, await response.text(), timing].join(' '));
      }
    }
  }
  // One for each route and each kind of token; who it is of makes no difference.
  expect([...answers].map((answer) => answer.split(' ')[2])).toEqual(Array(6).fill('401'));
  expect(await statementsOf()).toHaveLength(length);
});

test('good tokens sign an identity in 100 times in a minute; further times are 429, another identity signs in', async () => {
  const token = await app.token('tireless');
  const statuses = await tryInTurn(105, () => tryFrom('192.0.2.220', token));
  expect([countOf(statuses, 201), countOf(statuses, 200), countOf(statuses, 429)]).toEqual([1, 99, 5]);
  const refused = await product.request(undefined, 'POST', '/api/auth', { token });
  expect(await refused.json()).toMatchObject({ error: { code: 'auth.too_many_sign_ins' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await tryFrom('192.0.2.220', await app.token('another'))).toBe(201);
});
