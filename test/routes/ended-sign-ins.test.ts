import { expect, onTestFinished, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { startProduct, testContext } from '../harness/product.ts';

interface SignedIn {
  user: { id: string };
  access_token: string;
  refresh_token: string;
}

test('a sign-in that was ended stays so when hundreds more are ended, and one that begins then works', async () => {
  const app = await createPrivyApp();
  const product = await startProduct(app.variables);
  onTestFinished(() => product.stop());
  const signIn = async (): Promise<SignedIn> => {
    const answer = await product.request(undefined, 'POST', '/api/auth', { token: await app.token('leaver') });
    return (await answer.json()) as SignedIn;
  };
  const leave = ({ refresh_token }: SignedIn) =>
    product.request(undefined, 'POST', '/api/auth/logout', { refresh_token });
  const statusOf = async ({ access_token }: SignedIn) =>
    (await product.request({ key: access_token }, 'GET', '/v1/me')).status;

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
