import { beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { newSecret } from '../../src/core/keys/index.ts';
import { connectChat } from '../harness/chat-client.ts';
import { disableUser } from '../harness/disable-user.ts';
import { startProduct, type TestUser, useProduct } from '../harness/product.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';

const product = useProduct();
let admin: TestUser;

beforeAll(async () => {
  admin = await product.createUser();
  await untilReady(product);
});

interface Statistics {
  cached_users: number;
  cache_size_bytes: number;
  ttl_seconds: number;
  hits: number;
  misses: number;
  hit_rate: number;
  evictions: number;
}

async function cache(method = 'GET', path = '', body?: object): Promise<Statistics> {
  const response = await product.request(admin, method, `/admin/cache${path}`, body);
  expect(response.status).toBe(200);
  return (await response.json()) as Statistics;
}

const me = (user: { key: string }) => product.request(user, 'GET', '/v1/me');

/** The steps of an answer's time. */
const stepsOf = (response: Response) =>
  (response.headers.get('server-timing') ?? '').split(', ').map((step) => step.split(';')[0]);

it('says who one is', async () => {
  const user = await product.createUser('ann');
  const answer = (await (await me(user)).json()) as { created_at: string };
  expect(answer).toEqual({
    id: user.userId,
    object: 'user',
    username: 'ann',
    email: null,
    plan: 'free',
    settings: {},
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
});

it('asks the database once for a caller, and for a crowd of them once each', async () => {
  const user = await product.createUser();
  expect(stepsOf(await me(user))).toEqual(['queue', 'pool', 'sql', 'auth', 'total']);
  expect(stepsOf(await me(user))).toEqual(['auth', 'total']);
  const before = await cache();
  await Promise.all(Array.from({ length: 50 }, () => me(user)));
  const after = await cache();
  expect(after.misses).toBe(before.misses);
  expect(after.hits).toBe(before.hits + 51);
});

it('asks once for a key that nobody has, and refuses it for a while without asking', async () => {
  const stranger = { key: newSecret() };
  const { misses } = await cache();
  for (let index = 0; index < 5; index++) expect((await me(stranger)).status).toBe(401);
  expect((await cache()).misses).toBe(misses + 1);
});

it('refuses a key that expires while it is cached', async () => {
  const user = await product.createUser();
  const created = await product.request(user, 'POST', '/v1/keys', {
    name: 'brief',
    expires_at: new Date(Date.now() + 1_000).toISOString(),
  });
  const brief = (await created.json()) as { key: string };
  expect((await me(brief)).status).toBe(200);
  const { misses } = await cache();
  await until(async () => (await me(brief)).status === 401);
  expect(await (await me(brief)).json()).toMatchObject({ error: { code: 'auth.expired_key' } });
  expect((await cache()).misses).toBe(misses);
});

it('hears of a change that another connection makes', async () => {
  const user = await product.createUser();
  expect((await me(user)).status).toBe(200);
  await disableUser(product.postgres, user);
  await until(async () => (await me(user)).status === 401);
});

it('takes another time to live, and refuses one out of bounds', async () => {
  expect(await cache('PUT', '', { ttl_seconds: 60 })).toMatchObject({ ttl_seconds: 60 });
  for (const wrong of [0, 3_601, 1.5, '60']) {
    const response = await product.request(admin, 'PUT', '/admin/cache', { ttl_seconds: wrong });
    expect([wrong, response.status]).toEqual([wrong, 400]);
  }
  expect(await cache('PUT', '', { ttl_seconds: 300 })).toMatchObject({ ttl_seconds: 300 });
});

it('forgets a user, or all, when it is told to', async () => {
  const user = await product.createUser();
  await me(user);
  const { cached_users } = await cache();
  expect(await cache('DELETE', `/${user.userId}`)).toMatchObject({ cached_users: cached_users - 1 });
  expect(stepsOf(await me(user))).toContain('sql');
  expect(await cache('DELETE')).toMatchObject({ cached_users: 0, cache_size_bytes: 0 });
  // Its notification comes to us too, and may come after the next request.
  await until(async () => !stepsOf(await me(user)).includes('sql'));
  const missing = await product.request(admin, 'DELETE', `/admin/cache/${newId()}`);
  expect([missing.status, await missing.json()]).toMatchObject([404, { error: { code: 'keys.user_not_found' } }]);
  const activity = await product.request(admin, 'GET', '/v1/activity?kind=cache.cleared');
  const { data } = (await activity.json()) as { data: { subject_id: string | null }[] };
  expect(data.map(({ subject_id: subjectId }) => subjectId)).toEqual([null, user.userId]);
});

it('asks at each request when it is switched off, and hears of changes all the same', async () => {
  const off = await startProduct({ CALLER_CACHE: 'off' });
  try {
    // Until then every server asks.
    await untilReady(off);
    const user = await off.createUser();
    for (let index = 0; index < 2; index++) {
      expect(stepsOf(await off.request(user, 'GET', '/v1/me'))).toContain('sql');
    }
    const client = await connectChat(off.url, { headers: { authorization: `Bearer ${user.key}` } });
    await disableUser(off.postgres, user);
    const disabledAtMs = performance.now();
    expect(await client.closed()).toBe(1008);
    // A heartbeat would find out in half a minute.
    expect(performance.now() - disabledAtMs).toBeLessThan(5_000);
  } finally {
    await off.stop();
  }
});

it('tells the servers nothing where a key stays as it is', async () => {
  const told: (string | undefined)[] = [];
  const listener = await product.connect();
  listener.on('notification', ({ payload }) => told.push(payload));
  await listener.query('listen evenkeel_users');

  const user = await product.createUser();
  const idOf = async (created: Response) => ((await created.json()) as { id: string }).id;
  const weak = await product.createKey(user, ['keys:write']);
  const keyId = await idOf(await product.request(user, 'POST', '/v1/keys', { name: 'strong' }));
  const refused = await product.request({ key: weak }, 'PATCH', `/v1/keys/${keyId}`, { permissions: ['admin'] });
  expect(refused.status).toBe(403);
  const headers = { authorization: `Bearer ${user.key}`, 'idempotency-key': newId() };
  const rotate = () => fetch(`${product.url}/v1/keys/${keyId}/rotate`, { method: 'POST', headers });
  const rotated = await idOf(await rotate());
  expect(await idOf(await rotate())).toBe(rotated);
  // What was told before is heard before this answer.
  await listener.query('select 1');
  await listener.end();

  expect(told.filter((payload) => payload?.startsWith(user.userId) !== true)).toEqual([]);
  expect(told).toHaveLength(1);
});
