import { expect, test } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const product = useProduct();
const patch = (user: TestUser, body: object) => product.request(user, 'PATCH', '/v1/me', body);

async function me(user: TestUser): Promise<Record<string, unknown>> {
  return (await (await product.request(user, 'GET', '/v1/me')).json()) as Record<string, unknown>;
}

async function stored(user: TestUser) {
  const [row] = await product.postgres.query(
    sql<{ email: string | null; email_verified: boolean; acts: number }>`
      -- test.stored_account
      select email, email_verified,
        (select count(*) from activity where user_id = ${user.userId} and kind = 'user.updated') as acts
      from users where user_id = ${user.userId}`,
    testContext(),
  );
  return row;
}

test('what is changed is answered, is there at once, and nothing else is changed', async () => {
  const user = await product.createUser('before');
  const before = await me(user);
  const settings = { theme: 'dark', nested: { list: [1, null, 'x'] } };
  const response = await patch(user, { username: 'after', settings });
  expect([response.status, await response.json()]).toEqual([200, { ...before, username: 'after', settings }]);
  expect(await me(user)).toEqual({ ...before, username: 'after', settings });
  await patch(user, { email: 'after@example.com' });
  expect(await me(user)).toEqual({ ...before, username: 'after', settings, email: 'after@example.com' });
  expect((await stored(user))?.acts).toBe(2);
});

test('a new e-mail address is not verified; the same one stays so; null takes it away', async () => {
  const user = await product.createUser();
  const verify = sql`
    -- test.verify_email
    update users set email = 'old@example.com', email_verified = true where user_id = ${user.userId}`;
  await product.postgres.query(verify, testContext());
  await patch(user, { email: 'old@example.com' });
  expect(await stored(user)).toMatchObject({ email: 'old@example.com', email_verified: true });
  await patch(user, { email: 'new@example.com' });
  expect(await stored(user)).toMatchObject({ email: 'new@example.com', email_verified: false });
  await patch(user, { email: null });
  expect(await stored(user)).toMatchObject({ email: null, email_verified: false });
});

test('of fifty who want one username at once, one gets it', async () => {
  const users = await Promise.all(Array.from({ length: 50 }, () => product.createUser()));
  const answers = await Promise.all(users.map((user) => patch(user, { username: 'coveted' })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const refused = answers.find(({ status }) => status !== 200);
  expect([refused?.status, await refused?.json()]).toMatchObject([
    409,
    { error: { code: 'auth.username_taken', param: 'username' } },
  ]);
});

test('settings are 8 kB at most', async () => {
  const user = await product.createUser();
  expect((await patch(user, { settings: { x: 'å'.repeat(4_090) } })).status).toBe(200);
  const response = await patch(user, { settings: { x: 'å'.repeat(4_096) } });
  expect([response.status, await response.json()]).toMatchObject([400, { error: { param: 'settings' } }]);
});

test.each([{ plan: 'unlimited' }, { user_id: 'x' }, { email_verified: true }, { created_at: '2020-01-01T00:00:00Z' }])(
  'what is not the user’s to change is refused: %j',
  async (body) => {
    const user = await product.createUser();
    const before = await me(user);
    expect((await patch(user, body)).status).toBe(400);
    expect(await me(user)).toEqual(before);
  },
);
