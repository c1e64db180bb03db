import { Client } from 'pg';
import { expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { type TestUser, testContext, useProduct } from '../harness/product.ts';

const limit = 100;

const product = useProduct();

/** Gives a user who has one key 99 more that work, and `key 0`, which has expired. Answers where each is, by its name. */
async function fillKeys(owner: TestUser): Promise<(name: string) => string> {
  const fill = sql`
    -- test.fill_keys
    insert into api_keys (user_id, id, hash, prefix, name, permissions, expires_at)
    select user_id, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'ek_', 'key ' || n, permissions,
      case when n = 0 then now() - interval '1 hour' end
    from api_keys, generate_series(0, ${limit - 1}) n where user_id = ${owner.userId}`;
  await product.postgres.query(fill, testContext());
  const { data } = (await (await product.request(owner, 'GET', '/v1/keys?limit=1000')).json()) as {
    data: { id: string; name: string }[];
  };
  return (name) => `/v1/keys/${data.find((key) => key.name === name)?.id}`;
}

async function countWorking(owner: TestUser): Promise<number | undefined> {
  const working = sql<{ count: number }>`
    -- test.count_working
    select count(*)::int as count from api_keys
    where user_id = ${owner.userId} and revoked_at is null and (expires_at is null or expires_at > now())`;
  return (await product.postgres.query(working, testContext()))[0]?.count;
}

it('a key that leaked is replaced at once by another, also where there are as many as may be', async () => {
  const owner = await product.createUser();
  const pathOf = await fillKeys(owner);
  const rotate = async (name: string, body: object) =>
    (await product.request(owner, 'POST', `${pathOf(name)}/rotate`, body)).status;
  expect(await rotate('key 1', {})).toBe(201);
  expect(await rotate('key 2', { overlap_seconds: 1 })).toBe(403);
  expect(await rotate('key 2', { overlap_seconds: 0 })).toBe(201);
  // What has expired comes back to life by it, so there would be one more.
  expect(await rotate('key 0', { overlap_seconds: 0 })).toBe(403);
  expect(await rotate('key 1', { overlap_seconds: 0 })).toBe(201);
  expect(await countWorking(owner)).toBe(limit + 1);
});

it('a key that has expired is brought back to life only where there are fewer than may be', async () => {
  const owner = await product.createUser();
  const pathOf = await fillKeys(owner);
  const change = (name: string, body: object) => product.request(owner, 'PATCH', pathOf(name), body);
  const refused = await change('key 0', { expires_at: null });
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'keys.too_many' } }]);
  expect((await change('key 0', { name: 'key 0' })).status).toBe(200);
  // What works goes on, however many there are.
  expect((await change('key 1', { expires_at: new Date(Date.now() + 60_000).toISOString() })).status).toBe(200);
  expect((await change('key 1', { expires_at: null })).status).toBe(200);
  expect((await product.request(owner, 'DELETE', pathOf('key 2'))).status).toBe(200);
  const expire = sql`
    -- test.expire_key
    update api_keys set expires_at = now() - interval '1 hour' where user_id = ${owner.userId} and name = 'key 3'`;
  await product.postgres.query(expire, testContext());
  expect(await countWorking(owner)).toBe(limit - 2);
  expect((await product.request(owner, 'POST', '/v1/keys', { name: 'one more' })).status).toBe(201);
  // There is room for one of them.
  const answers = await Promise.all(['key 0', 'key 3'].map((name) => change(name, { expires_at: null })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  expect(await countWorking(owner)).toBe(limit);
});

/** Sends a request with an Idempotency-Key five times; all wait for the user's row, and see what was before the first is done. */
async function sendAtOnce(owner: TestUser, path: string, body: object) {
  const client = new Client({ connectionString: product.databaseUrl });
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select from users where user_id = $1 for no key update', [owner.userId]);
    const headers = {
      authorization: `Bearer ${owner.key}`,
      'content-type': 'application/json',
      'idempotency-key': newId(),
    };
    const order = { method: 'POST', headers, body: JSON.stringify(body) };
    const answers = Array.from({ length: 5 }, async () => {
      const answer = await fetch(product.url + path, order);
      return { status: answer.status, body: (await answer.json()) as { key: string | null } };
    });
    await expect.poll(() => countLocked(client)).toBe(5);
    await client.query('commit');
    return await Promise.all(answers);
  } finally {
    await client.end();
  }
}

it.each([
  ['that makes the last one that may be', '/v1/keys', { name: 'last' }],
  ['that replaces one', 'key 1', { overlap_seconds: 0 }],
])('a request %s, sent again while it is worked on, is answered the key that it made', async (_, path, body) => {
  const owner = await product.createUser();
  const pathOf = await fillKeys(owner);
  await product.request(owner, 'DELETE', pathOf('key 2'));
  const answers = await sendAtOnce(owner, path === '/v1/keys' ? path : `${pathOf(path)}/rotate`, body);
  const [first] = answers;
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(answers.map((answer) => answer.body)).toEqual(answers.map(({ body: { key } }) => ({ ...first?.body, key })));
});
