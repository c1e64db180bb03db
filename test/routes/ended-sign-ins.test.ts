import { expect, onTestFinished, test, vi } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { startProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

interface SignedIn {
  user: { id: string };
  access_token: string;
  refresh_token: string;
}

const MINUTE_MS = 60_000;

/** A server, and what a user of it does. */
async function start(variables: Record<string, string> = {}) {
  const app = await createPrivyApp();
  const product = await startProduct({ ...app.variables, ...variables });
  onTestFinished(() => product.stop());
  const post = (path: string, body: unknown) => product.request(undefined, 'POST', path, body);
  return {
    product,
    async signIn(): Promise<SignedIn> {
      const answer = await post('/api/auth', { token: await app.token('leaver') });
      return (await answer.json()) as SignedIn;
    },
    leave: ({ refresh_token }: SignedIn) => post('/api/auth/logout', { refresh_token }),
    refresh: ({ refresh_token }: SignedIn) => post('/api/auth/refresh', { refresh_token }),
    statusOf: async ({ access_token }: SignedIn) =>
      (await product.request({ key: access_token }, 'GET', '/v1/me')).status,
  };
}

test('a sign-in that was ended stays so when hundreds more are ended, and one that begins then works', async () => {
  const { product, signIn, leave, statusOf } = await start();
  const first = await signIn();
  await leave(first);
  const ids = Array.from({ length: 300 }, newId);
  const end = sql`
    -- test.end_sign_ins
    insert into refresh_families (user_id, id, generation, expires_at, revoked_at)
    select ${first.user.id}, id, 0, now() + interval '30 days', now() from unnest(${ids}::uuid[]) as id`;
  await product.postgres.query(end, testContext());
  const last = await signIn();
  // Has the user be read again.
  await leave(await signIn());
  expect([await statusOf(first), await statusOf(last)]).toEqual([401, 200]);
});

test('a sign-in that was ended stays so though the clock of the server that made its token was ahead', async () => {
  const { product, signIn, leave, statusOf } = await start({ CALLER_CACHE: 'off' });
  const nowMs = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs + 10 * MINUTE_MS });
  onTestFinished(() => void vi.useRealTimers());
  const signedIn = await signIn();
  vi.setSystemTime(nowMs);
  await leave(signedIn);
  const passTime = sql`
    -- test.pass_time
    update refresh_families set revoked_at = revoked_at - interval '22 minutes' where user_id = ${signedIn.user.id}`;
  await product.postgres.query(passTime, testContext());
  vi.setSystemTime(nowMs + 22 * MINUTE_MS);
  expect(await statusOf(signedIn)).toBe(401);
});

test('a sign-in that was ended stays so while its refresh token is good by the clock of a server alone', async () => {
  const { product, signIn, leave, refresh } = await start();
  const [ended, other] = [await signIn(), await signIn()];
  await leave(ended);
  const passTime = sql`
    -- test.pass_time
    update refresh_families set expires_at = now() - interval '10 minutes' where user_id = ${ended.user.id}`;
  await product.postgres.query(passTime, testContext());
  expect([(await refresh(other)).status, (await refresh(ended)).status]).toEqual([200, 401]);
});

test('a sign-in that goes on is remembered for as long as the last of its refresh tokens is good, so that none is used twice', async () => {
  const { product, signIn, refresh } = await start();
  const first = await signIn();
  const second: SignedIn = { ...first, ...((await (await refresh(first)).json()) as SignedIn) };
  const passTime = sql`
    -- test.pass_time
    update refresh_families set expires_at = now() - interval '2 days' where user_id = ${first.user.id}`;
  await product.postgres.query(passTime, testContext());
  expect((await refresh(second)).status).toBe(200);
  // Has those forgotten that expired.
  await refresh(await signIn());
  expect((await refresh(first)).status).toBe(401);
});

test('of many sign-ins that expired, each refresh and sign-out forgets some', async () => {
  const { product, signIn, leave, refresh } = await start();
  const signedIn = await signIn();
  const expire = sql`
    -- test.expire
    insert into refresh_families (user_id, id, generation, expires_at)
    select ${signedIn.user.id}, gen_random_uuid(), 1, now() - interval '2 days' from generate_series(1, 150)`;
  await product.postgres.query(expire, testContext());
  const left = async () => {
    const count = sql<{ n: number }>`
      -- test.count
      select count(*) as n from refresh_families where expires_at < now()`;
    return (await product.postgres.query(count, testContext()))[0]?.n;
  };
  const refreshed: SignedIn = { ...signedIn, ...((await (await refresh(signedIn)).json()) as SignedIn) };
  expect(await left()).toBe(50);
  await leave(refreshed);
  expect(await left()).toBe(0);
});
