import { beforeAll, describe, expect, it } from 'vitest';
import { forgetEndedKeys } from '../../src/core/keys/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { useProduct, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const product = useProduct();
const user = useUser(product);

interface KeyAnswer {
  id: string;
  key: string;
}

async function createKey(body: object, as: { key: string } = user): Promise<KeyAnswer> {
  return (await (await product.request(as, 'POST', '/v1/keys', body)).json()) as KeyAnswer;
}

describe('a key that is bound to networks and expires', () => {
  const networks = ['127.0.0.0/8', '2001:db8::/32'];
  const expiry = new Date(Date.now() + 3_600_000).toISOString();
  const later = new Date(Date.now() + 7_200_000).toISOString();
  let bound: KeyAnswer;

  beforeAll(async () => {
    bound = await createKey({ name: 'bound', ip_allowlist: networks, expires_at: expiry });
  });

  it('makes keys that are bound alike, or more narrowly', async () => {
    const alike = { ip_allowlist: networks, expires_at: expiry };
    expect(await createKey({ name: 'alike' }, bound)).toMatchObject(alike);
    const narrow = { ip_allowlist: ['127.0.0.1'], expires_at: new Date(Date.now() + 60_000).toISOString() };
    expect(await createKey({ name: 'narrow', ...narrow }, bound)).toMatchObject(narrow);
  });

  it.each([
    ['expires_at', null],
    ['expires_at', later],
    ['ip_allowlist', null],
    ['ip_allowlist', ['127.0.0.1', '192.0.2.1']],
    ['ip_allowlist', ['127.0.0.0/7']],
  ])('neither makes nor changes one, nor itself, to have %s %j', async (param, value) => {
    const others = [await createKey({ name: 'other', ip_allowlist: ['127.0.0.1'] }), bound];
    for (const [method, path] of [
      ['POST', '/v1/keys'],
      ...others.map(({ id }) => ['PATCH', `/v1/keys/${id}`] as const),
    ] as const) {
      const refused = await product.request(bound, method, path, { name: 'wider', [param]: value });
      expect(await refused.json()).toMatchObject({ error: { code: 'keys.wider_than_own', param } });
      expect(refused.status).toBe(403);
    }
    const listed = await product.request(user, 'GET', '/v1/keys?limit=1000');
    expect(await listed.text()).not.toContain('wider');
  });

  it('gives no permission to one that works from elsewhere or for longer, but takes one and gives a new name', async () => {
    const change = (id: string, body: object) => product.request(bound, 'PATCH', `/v1/keys/${id}`, body);
    for (const wider of [{ expires_at: expiry }, { ip_allowlist: networks }]) {
      const { id } = await createKey({ name: 'weak', permissions: ['chat:read', 'keys:read'], ...wider });
      const refused = await change(id, { permissions: ['chat:read', 'chat:write'] });
      const error = { code: 'keys.wider_than_own', param: 'permissions' };
      expect([refused.status, await refused.json()]).toMatchObject([403, { error }]);
      const taken = await change(id, { name: 'weaker', permissions: ['chat:read'] });
      expect([taken.status, await taken.json()]).toMatchObject([200, { name: 'weaker', permissions: ['chat:read'] }]);
      const bounds = { ip_allowlist: ['127.0.0.1'], expires_at: expiry };
      expect((await change(id, { permissions: ['chat:read', 'chat:write'], ...bounds })).status).toBe(200);
    }
  });

  it('replaces none that works from elsewhere or for longer, nor one that did before it was replaced, and itself by one that ends with it', async () => {
    const replace = ({ id }: KeyAnswer) => product.request(bound, 'POST', `/v1/keys/${id}/rotate`, {});
    for (const wider of [
      { expires_at: expiry },
      { ip_allowlist: networks },
      { ip_allowlist: networks, expires_at: later },
      { ip_allowlist: ['127.0.0.1', '192.0.2.0/24'], expires_at: expiry },
    ]) {
      const refused = await replace(await createKey({ name: 'wider', ...wider }));
      expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'keys.wider_than_own' } }]);
    }
    const replaced = await createKey({ name: 'wider', ip_allowlist: networks });
    await product.request(user, 'POST', `/v1/keys/${replaced.id}/rotate`, { overlap_seconds: 60 });
    expect((await replace(replaced)).status).toBe(403);
    const narrower = await createKey({ name: 'narrower', ip_allowlist: ['127.4.0.0/16'], expires_at: expiry });
    for (const key of [narrower, bound]) {
      const replaced = await replace(key);
      expect([replaced.status, await replaced.json()]).toMatchObject([201, { expires_at: expiry }]);
    }
  });
});

describe('a key that may do more than the one that changes it', () => {
  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const later = new Date(Date.now() + 7_200_000).toISOString();
  let weak: { key: string };

  beforeAll(async () => {
    weak = { key: await product.createKey(user, ['keys:write']) };
  });

  const change = (id: string, body: object) => product.request(weak, 'PATCH', `/v1/keys/${id}`, body);

  it('is made to work neither from more networks nor for longer', async () => {
    const strong = await createKey({ name: 'strong', ip_allowlist: ['10.0.0.0/8'], expires_at: soon });
    for (const wider of [
      { ip_allowlist: null },
      { ip_allowlist: ['10.0.0.0/7'] },
      { ip_allowlist: ['10.1.0.0/16', '127.0.0.1'] },
      { expires_at: null },
      { expires_at: later },
      { expires_at: null, ip_allowlist: null },
      { expires_at: later, ip_allowlist: ['10.1.0.0/16'] },
    ]) {
      const refused = await change(strong.id, wider);
      expect([refused.status, await refused.json()]).toMatchObject([
        403,
        { error: { code: 'keys.permission_missing' } },
      ]);
    }
    const listed = (await (await product.request(user, 'GET', '/v1/keys?limit=1000')).json()) as { data: KeyAnswer[] };
    const bounds = { ip_allowlist: ['10.0.0.0/8'], expires_at: soon };
    expect(listed.data.find(({ id }) => id === strong.id)).toMatchObject(bounds);
  });

  it('is not brought back to life when it has expired', async () => {
    const strong = await createKey({ name: 'strong', expires_at: soon });
    const end = sql`
      -- test.expire_key
      update api_keys set expires_at = now() - interval '1 hour' where user_id = ${user.userId} and id = ${strong.id}`;
    await product.postgres.query(end, testContext());
    for (const expires_at of [null, soon]) expect((await change(strong.id, { expires_at })).status).toBe(403);
    expect((await product.request(strong, 'GET', '/v1/keys')).status).toBe(401);
  });

  it('is renamed and narrowed, and also widened where it may do no more by the same change', async () => {
    const strong = await createKey({ name: 'strong', ip_allowlist: ['10.0.0.0/8'], expires_at: later });
    const narrower = { name: 'narrow', ip_allowlist: ['10.1.0.0/16', '10.2.0.1'], expires_at: soon };
    const narrowed = await change(strong.id, narrower);
    expect([narrowed.status, await narrowed.json()]).toMatchObject([200, narrower]);
    const wider = { permissions: ['keys:write'], ip_allowlist: null, expires_at: null };
    const widened = await change(strong.id, wider);
    expect([widened.status, await widened.json()]).toMatchObject([200, wider]);
  });
});

it('a key that works for longer than the one that changes it is given no network of it, and the other way round', async () => {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const bound = await createKey({ name: 'bound', ip_allowlist: ['127.0.0.0/8'], expires_at });
  const change = (id: string, body: object) => product.request(bound, 'PATCH', `/v1/keys/${id}`, body);
  const lasting = await createKey({ name: 'lasting', ip_allowlist: ['10.0.0.0/8'] });
  const brief = await createKey({ name: 'brief', expires_at: new Date(Date.now() + 60_000).toISOString() });
  for (const [id, wider] of [
    [lasting.id, { ip_allowlist: ['127.0.0.1'] }],
    [brief.id, { expires_at }],
  ] as const) {
    const refused = await change(id, wider);
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'keys.wider_than_own' } }]);
    expect((await change(id, { ip_allowlist: ['127.0.0.1'], expires_at })).status).toBe(200);
  }
});

it('is removed a month after it was revoked or expired, and not before', async () => {
  const owner = await product.createUser();
  for (const name of ['revoked', 'expired', 'revoked lately', 'expired lately', 'expires'])
    await createKey({ name }, owner);
  const end = sql`
    -- test.end_keys
    update api_keys set
      revoked_at = now() - case name when 'revoked' then interval '31 days' when 'revoked lately' then interval '29 days' end,
      expires_at = now() - case name when 'expired' then interval '31 days' when 'expired lately' then interval '29 days'
        when 'expires' then interval '-1 day' end
    where user_id = ${owner.userId}`;
  await product.postgres.query(end, testContext());
  await forgetEndedKeys(product.postgres).run({}, testContext());
  const left = sql<{ name: string }>`
    -- test.list_names
    select name from api_keys where user_id = ${owner.userId} order by id`;
  const names = (await product.postgres.query(left, testContext())).map(({ name }) => name);
  expect(names.slice(1)).toEqual(['revoked lately', 'expired lately', 'expires']);
  expect((await product.request(owner, 'GET', '/v1/keys')).status).toBe(200);
});
