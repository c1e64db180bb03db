import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { loadConfig } from '../../src/platform/config/index.ts';
import { type FaultMode, type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { startTestRedis, type TestRedis } from '../harness/redis.ts';
import { AUDIENCE, startTestIssuer, type TestIssuer } from '../harness/test-issuer.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';

/** What a sign-in has here; by itself it is 8 s. More than those who may be served by grace wait for the database. */
const BUDGET_MS = 1_500;
/** How much longer than its budget a request takes at most. */
const MARGIN_MS = 250;
const TTL_SECONDS = 1;
const GRACE_SECONDS = 5;

let app: PrivyApp;
let issuer: TestIssuer;
let redis: TestRedis;
let proxy: FaultProxy;
/** Keeps the database, and asks it without the proxy. */
let owner: Product;
let product: Product;

beforeAll(async () => {
  [app, issuer, redis, owner] = await Promise.all([
    createPrivyApp(),
    startTestIssuer(),
    startTestRedis(),
    startProduct({}, { worksOnJobs: false }),
  ]);
  proxy = await startFaultProxy(owner.databaseUrl);
  const variables = {
    ...app.variables,
    ...{ OIDC_ISSUER: issuer.issuer, OIDC_AUDIENCE: AUDIENCE, REDIS_URL: redis.url },
    ...{ CALLER_CACHE_TTL_SECONDS: String(TTL_SECONDS), CALLER_CACHE_GRACE_SECONDS: String(GRACE_SECONDS) },
    SIGN_IN_BUDGET_MS: String(BUDGET_MS),
  };
  product = await startProduct(variables, { worksOnJobs: false, beside: { ...owner, databaseUrl: proxy.url } });
});

beforeEach(async () => {
  issuer.mode = 'well';
  redis.thaw();
  proxy.setMode('pass');
  await until(async () => (await signIn(newId())).status === 201);
  // Who is read before changes are heard of again has no grace.
  await untilReady(product);
});

afterAll(async () => {
  redis?.thaw();
  proxy?.setMode('reset');
  await product?.stop();
  await owner?.stop();
  await Promise.all([proxy?.close(), redis?.stop(), issuer?.close()]);
});

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** The status of an answer that came in time, and that says when to come again if it is a 503. */
async function post(path: string, body: object): Promise<{ status: number; tokens: Tokens }> {
  const startedAtMs = performance.now();
  const response = await product.request(undefined, 'POST', path, body);
  const text = await response.text();
  expect(performance.now() - startedAtMs, path).toBeLessThan(BUDGET_MS + MARGIN_MS);
  if (response.status === 503) expect(response.headers.get('retry-after')).toMatch(/^[1-5]$/);
  return { status: response.status, tokens: text === '' ? {} : JSON.parse(text) };
}

const signIn = async (subject: string) => post('/api/auth', { token: await app.token(subject) });

test('a sign-in, a refresh and a sign-out have 8 s where nothing else is said', () => {
  expect(loadConfig({}).signIn.budgetMs).toBe(8_000);
});

test('while an issuer accepts connections and never answers, its users are answered 503 in time, others sign in', async () => {
  issuer.mode = 'silent';
  const [cold, other] = await Promise.all([post('/api/auth', { token: await issuer.token() }), signIn(newId())]);
  expect([cold.status, other.status]).toEqual([503, 201]);
  expect(issuer.asked.discovery + issuer.asked.jwks).toBe(1);
});

test('while Redis is frozen, new and known users sign in, and bad tokens are refused', async () => {
  const subject = newId();
  await signIn(subject);
  redis.freeze();
  expect((await signIn(newId())).status).toBe(201);
  const { status, tokens } = await signIn(subject);
  expect(status).toBe(200);
  expect((await post('/api/auth', { token: `${await app.token(subject)}x` })).status).toBe(401);
  expect((await post('/api/auth/refresh', { refresh_token: tokens.refresh_token })).status).toBe(200);
});

test.each<[string, FaultMode, boolean]>([
  ['takes connections and never answers', 'black-hole', false],
  ['refuses connections', 'reset', false],
  ['never answers, and Redis is frozen', 'black-hole', true],
])('while the database %s, known users sign in by grace, new ones are answered 503', async (_name, mode, isFrozen) => {
  const subject = newId();
  expect((await signIn(subject)).status).toBe(201);
  const { tokens } = await signIn(subject);
  await sleep(TTL_SECONDS * 1_000);
  proxy.setMode(mode);
  if (isFrozen) redis.freeze();
  // The first moment is without the breaker, in which everybody waits; later ones are with it.
  for (let round = 0; round < 2; round++) {
    const answers = await Promise.all([
      signIn(subject),
      signIn(newId()),
      post('/api/auth/refresh', { refresh_token: tokens.refresh_token }),
      post('/api/auth/logout', { refresh_token: tokens.refresh_token }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 503, 503, 503]);
  }
  if (mode === 'reset') await until(async () => (await signIn(subject)).status === 503);
});
