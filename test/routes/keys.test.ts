import { afterAll, beforeAll, expect, it } from 'vitest';
import { isWellFormedSecret } from '../../src/core/keys/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type Product, startProduct, type TestUser, testContext } from '../harness/product.ts';

let product: Product;
let user: TestUser;

beforeAll(async () => {
  product = await startProduct();
  user = await product.createUser();
});

afterAll(() => product.stop());

interface KeyAnswer {
  id: string;
  key: string;
  name: string;
  permissions: string[];
}

async function createKey(body: object, as = user): Promise<KeyAnswer> {
  return (await (await product.request(as, 'POST', '/v1/keys', body)).json()) as KeyAnswer;
}

async function listKeys(query = ''): Promise<{ data: KeyAnswer[]; has_more: boolean; next_cursor: string | null }> {
  return (await (await product.request(user, 'GET', `/v1/keys${query}`)).json()) as never;
}

it('shows a key once, and stores only its hash', async () => {
  const created = await createKey({ name: 'once' });
  expect(isWellFormedSecret(created.key)).toBe(true);
  expect(JSON.stringify(await listKeys())).not.toContain(created.key);
  const dump = await product.postgres.query(
    sql<{ text: string }>`
      -- test.dump_keys
      select k::text as text from api_keys k where user_id = ${user.userId}`,
    testContext(),
  );
  expect(dump.length).toBeGreaterThan(0);
  for (const { text } of dump) expect(text).not.toContain(created.key.slice(9));
});

it('works until it is revoked, and no longer', async () => {
  const created = await createKey({ name: 'short-lived' });
  expect((await product.request(created, 'GET', '/v1/keys')).status).toBe(200);
  expect(await (await product.request(user, 'DELETE', `/v1/keys/${created.id}`)).json()).toEqual({
    id: created.id,
    object: 'api_key',
    deleted: true,
  });
  expect((await product.request(created, 'GET', '/v1/keys')).status).toBe(401);
  expect((await product.request(user, 'DELETE', `/v1/keys/${created.id}`)).status).toBe(404);
  expect((await listKeys()).data.map(({ id }) => id)).not.toContain(created.id);
});

it('cannot give away a permission that it does not have', async () => {
  const weak = { key: await product.createKey(user, ['keys:write', 'keys:read']) };
  for (const [method, path] of [
    ['POST', '/v1/keys'],
    ['PATCH', `/v1/keys/${(await createKey({ name: 'target' })).id}`],
  ] as const) {
    const response = await product.request(weak, method, path, { name: 'more', permissions: ['keys:read', 'admin'] });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: 'keys.permission_missing', param: 'permissions' } });
  }
  const inherited = await product.request(weak, 'POST', '/v1/keys', { name: 'same' });
  expect(await inherited.json()).toMatchObject({ permissions: ['keys:read', 'keys:write'] });
});

it('changes its name and permissions, and nothing else', async () => {
  const created = await createKey({ name: 'before' });
  const changed = await product.request(user, 'PATCH', `/v1/keys/${created.id}`, { permissions: ['chat:read'] });
  expect(await changed.json()).toMatchObject({ id: created.id, name: 'before', permissions: ['chat:read'] });
  expect((await product.request(created, 'GET', '/v1/chat/sessions')).status).toBe(200);
  expect((await product.request(created, 'GET', '/v1/keys')).status).toBe(403);
});

it('refuses an expiry in the past', async () => {
  const response = await product.request(user, 'POST', '/v1/keys', {
    name: 'late',
    expires_at: '2020-01-01T00:00:00Z',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: 'expires_at' } });
});

it('is listed page by page, newest first, each once', async () => {
  for (let index = 0; index < 7; index++) await createKey({ name: `page ${index}` });
  const all = (await listKeys('?limit=1000')).data.map(({ id }) => id);
  const paged: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await listKeys(`?limit=3${cursor && `&cursor=${cursor}`}`);
    paged.push(...page.data.map(({ id }) => id));
    expect(page.has_more).toBe(page.next_cursor !== null);
    cursor = page.next_cursor;
  }
  expect(paged).toEqual(all);
});

it('leaves a row of activity with what it records, naming the key that acted', async () => {
  const created = await createKey({ name: 'watched' });
  await product.request(user, 'PATCH', `/v1/keys/${created.id}`, { name: 'renamed' });
  await product.request(user, 'DELETE', `/v1/keys/${created.id}`);
  const rows = await product.postgres.query(
    sql<{ kind: string; key_id: string | null; ip: string | null }>`
      -- test.key_activity
      select kind, key_id, host(ip) as ip from activity
      where user_id = ${user.userId} and subject_id = ${created.id} order by id`,
    testContext(),
  );
  expect(rows.map(({ kind }) => kind)).toEqual(['key.created', 'key.updated', 'key.revoked']);
  expect(rows.every(({ key_id, ip }) => key_id !== null && ip === '127.0.0.1')).toBe(true);
});
