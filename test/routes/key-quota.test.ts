import { expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const LIMIT = 100;

const product = useProduct();

/** Gives a user who has one key 99 more that work, and `key 0`, which has expired. Answers where each is, by its name. */
async function fillKeys(owner: TestUser): Promise<(name: string) => string> {
  const fill = sql`
    -- test.fill_keys
    insert into api_keys (user_id, id, hash, prefix, name, permissions, expires_at)
    select user_id, gen_random_uuid(), sha256(gen_random_uuid()::text::bytea), 'ek_', 'key ' || n, permissions,
      case when n = 0 then now() - interval '1 hour' end
    from api_keys, generate_series(0, ${LIMIT - 1}) n where user_id = ${owner.userId}`;
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

it('a hundred keys that work may be had: of fifty who make the last one at once, one gets it', async () => {
  const owner = await product.createUser();
  const make = (name: string) => product.request(owner, 'POST', '/v1/keys', { name });
  for (let made = 1; made < LIMIT - 1; made++) await make(`key ${made}`);
  const last = () => make('last');
  // Another server is about to make one, so that those who ask all begin before any is done.
  const client = await product.connect();
  await client.query('begin');
  await client.query('select api_key_is_allowed($1, 1)', [owner.userId]);
  const asked = Array.from({ length: 50 }, last);
  const waiting = `select count(*) > 1 as many from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`;
  const areMany = async () => {
    // In a transaction, the first look settles which connections there are.
    await client.query('select pg_stat_clear_snapshot()');
    return (await client.query(waiting)).rows[0].many;
  };
  await expect.poll(areMany).toBe(true);
  await client.query('rollback');
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(49).fill(403)]);
  const refused = answers.find(({ status }) => status === 403);
  expect(await refused?.json()).toMatchObject({ error: { code: 'keys.too_many' } });
  const listed = await product.request(owner, 'GET', '/v1/keys?limit=1000');
  const { data } = (await listed.json()) as { data: { id: string }[] };
  expect(data).toHaveLength(LIMIT);

  const rotate = () => product.request(owner, 'POST', `/v1/keys/${data[0]?.id}/rotate`, {});
  const rotations = await Promise.all(Array.from({ length: 10 }, rotate));
  expect(rotations.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(403)]);
  for (const { id } of data.slice(0, 2)) await product.request(owner, 'DELETE', `/v1/keys/${id}`);
  expect((await last()).status).toBe(201);
  await product.request(owner, 'PATCH', `/v1/keys/${data[3]?.id}`, {
    expires_at: new Date(Date.now() + 500).toISOString(),
  });
  await expect.poll(async () => (await last()).status, { timeout: 10_000 }).toBe(201);
});

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
  expect(await countWorking(owner)).toBe(LIMIT + 1);
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
  expect(await countWorking(owner)).toBe(LIMIT - 2);
  expect((await product.request(owner, 'POST', '/v1/keys', { name: 'one more' })).status).toBe(201);
  // There is room for one of them.
  const answers = await Promise.all(['key 0', 'key 3'].map((name) => change(name, { expires_at: null })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
  expect(await countWorking(owner)).toBe(LIMIT);
});

/** Sends a request five times; all wait for the user's row, and see what was before the first is done. */
async function sendAtOnce(owner: TestUser, path: string, { body, isKeyed }: { body: object; isKeyed: boolean }) {
  const client = await product.connect();
  await client.query('begin');
  await client.query('select from users where user_id = $1 for no key update', [owner.userId]);
  const headers = {
    authorization: `Bearer ${owner.key}`,
    'content-type': 'application/json',
    ...(isKeyed && { 'idempotency-key': newId() }),
  };
  const order = { method: 'POST', headers, body: JSON.stringify(body) };
  const answers = Array.from({ length: 5 }, async () => {
    const answer = await fetch(product.url + path, order);
    return { status: answer.status, body: (await answer.json()) as { key: string | null } };
  });
  await expect.poll(() => countLocked(client)).toBe(5);
  await client.query('commit');
  return await Promise.all(answers);
}

it.each([
  ['that makes the last one that may be', '/v1/keys', { name: 'last' }],
  ['that replaces one', 'key 1', { overlap_seconds: 0 }],
])('a request %s, sent again while it is worked on, is answered the key that it made', async (_, path, body) => {
  const owner = await product.createUser();
  const pathOf = await fillKeys(owner);
  await product.request(owner, 'DELETE', pathOf('key 2'));
  const answers = await sendAtOnce(owner, path === '/v1/keys' ? path : `${pathOf(path)}/rotate`, {
    body,
    isKeyed: true,
  });
  const [first] = answers;
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(answers.map((answer) => answer.body)).toEqual(answers.map(({ body: { key } }) => ({ ...first?.body, key })));
});

it('a key is replaced by one other, however many ask for that at once', async () => {
  const owner = await product.createUser();
  const pathOf = await fillKeys(owner);
  const order = { body: { overlap_seconds: 0 }, isKeyed: false };
  const answers = await sendAtOnce(owner, `${pathOf('key 1')}/rotate`, order);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 404, 404, 404, 404]);
});
