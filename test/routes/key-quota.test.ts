import { afterAll, beforeAll, expect, it } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type Product, startProduct, testContext } from '../harness/product.ts';

const limit = 100;

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});

afterAll(() => product.stop());

it('a key that leaked is replaced at once by another, also where there are as many as may be', async () => {
  const owner = await product.createUser();
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
  const idOf = (name: string) => data.find((key) => key.name === name)?.id;
  const rotate = async (name: string, body: object) =>
    (await product.request(owner, 'POST', `/v1/keys/${idOf(name)}/rotate`, body)).status;
  expect(await rotate('key 1', {})).toBe(201);
  expect(await rotate('key 2', { overlap_seconds: 1 })).toBe(403);
  expect(await rotate('key 2', { overlap_seconds: 0 })).toBe(201);
  // What has expired comes back to life by it, so there would be one more.
  expect(await rotate('key 0', { overlap_seconds: 0 })).toBe(403);
  expect(await rotate('key 1', { overlap_seconds: 0 })).toBe(201);
  const working = sql<{ count: number }>`
    -- test.count_working
    select count(*)::int as count from api_keys
    where user_id = ${owner.userId} and revoked_at is null and (expires_at is null or expires_at > now())`;
  expect(await product.postgres.query(working, testContext())).toEqual([{ count: limit + 1 }]);
});
