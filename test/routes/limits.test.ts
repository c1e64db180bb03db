import { beforeAll, describe, expect, it } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { untilReady } from '../harness/until-ready.ts';
import { writeTestFile } from '../harness/write-test-file.ts';

const PLANS = `
free:
  requests: { minute: 2000, hour: 10000, day: 50000 }
few:
  requests: { day: 5 }
by-key:
  requests: { day: 4 }
  requests_per_key: { day: 3 }
`;

const product = useProduct({ PLANS_FILE: writeTestFile('plans.yaml', PLANS) });
let admin: TestUser;

beforeAll(async () => {
  admin = await product.createUser();
  await untilReady(product);
});

const me = (user: { key: string }) => product.request(user, 'GET', '/v1/me');

/** Puts a user on a plan, past the server. */
async function put(user: TestUser, plan: string): Promise<void> {
  const update = sql`
    -- test.put_on_plan
    update users set plan = ${plan}, auth_version = auth_version + 1 where user_id = ${user.userId}`;
  await product.postgres.query(update, testContext());
}

async function createUserOn(plan: string): Promise<TestUser> {
  const user = await product.createUser();
  await put(user, plan);
  return user;
}

async function countOk(users: readonly { key: string }[], tries: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: tries }, (_, index) => me(users[index % users.length] ?? admin)),
  );
  return answers.filter(({ status }) => status === 200).length;
}

describe('every answer to which a limit applies', () => {
  it('says how the window stands that has least left', async () => {
    const user = await product.createUser();
    const { headers } = await me(user);
    expect(headers.get('x-ratelimit-limit-requests')).toBe('2000');
    expect(headers.get('x-ratelimit-remaining-requests')).toBe('1999');
    expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d|[1-5]\d)s$|^1m0s$/);
    expect(headers.get('ratelimit')).toMatch(/^"minute";r=1999;t=([1-9]|[1-5]\d|60)$/);
    expect(headers.get('ratelimit-policy')).toBe('"minute";q=2000;w=60, "hour";q=10000;w=3600, "day";q=50000;w=86400');
  });

  it('does so when it tells of an error, too', async () => {
    const user = await product.createUser();
    const missing = await product.request(user, 'GET', `/v1/chat/sessions/${user.userId}`);
    expect([missing.status, missing.headers.get('x-ratelimit-remaining-requests')]).toEqual([404, '1999']);
  });

  it('says nothing on a plan without limits, nor to nobody', async () => {
    const user = await createUserOn('unlimited');
    for (const answer of [await me(user), await product.request(undefined, 'GET', '/v1/me')]) {
      expect([...answer.headers.keys()].filter((name) => name.includes('ratelimit'))).toEqual([]);
    }
  });
});

it('lets exactly 5 of 100 requests at once through, over all keys of a user, and tells when to come again', async () => {
  const user = await createUserOn('few');
  const other = await createUserOn('few');
  const answers = await Promise.all(Array.from({ length: 100 }, () => me(user)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
  const refused = answers.find(({ status }) => status === 429);
  expect(await refused?.json()).toMatchObject({
    error: {
      code: 'limits.requests_exceeded',
      type: 'rate_limit_error',
      message: expect.stringContaining('5 requests'),
    },
  });
  const retryAfterMs = Number(refused?.headers.get('retry-after-ms'));
  expect(retryAfterMs).toBeGreaterThan(0);
  expect(retryAfterMs).toBeLessThanOrEqual(86_400_000);
  expect(refused?.headers.get('retry-after')).toBe(String(Math.ceil(retryAfterMs / 1000)));
  expect(refused?.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(refused?.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+h)?(\d+m)?\d+s$/);
  expect((await me(other)).status).toBe(200);
});

it('counts what it refuses in the metrics, by the limit', async () => {
  const refused = async (): Promise<number> => {
    const text = await (await product.request(undefined, 'GET', '/metrics')).text();
    return Number(/^evenkeel_limit_refusals_total\{limit="day"\} (\d+)$/m.exec(text)?.[1]);
  };
  const user = await createUserOn('few');
  const before = await refused();
  expect(await countOk([user], 12)).toBe(5);
  expect((await refused()) - before).toBe(7);
});

it('limits a key more than its user, where the plan says so', async () => {
  const user = await product.createUser();
  const second = { key: await product.createKey(user, ['account:read']) };
  await put(user, 'by-key');
  await product.request(admin, 'DELETE', `/admin/cache/${user.userId}`);
  expect(await countOk([second], 100)).toBe(3);
  // Making the key was the first of the four.
  expect(await countOk([user], 100)).toBe(0);
});

it('lets one of fifty at once have the last request of a key', async () => {
  const user = await product.createUser();
  const second = { key: await product.createKey(user, ['account:read']) };
  await put(user, 'by-key');
  await product.request(admin, 'DELETE', `/admin/cache/${user.userId}`);
  expect([await countOk([second], 2), await countOk([second], 50)]).toEqual([2, 1]);
});

it('lists the plans, of the file and built in', async () => {
  const list = (await (await product.request(admin, 'GET', '/v1/plans')).json()) as { data: { id: string }[] };
  expect(list).toMatchObject({ object: 'list', has_more: false, next_cursor: null });
  const { data } = list;
  expect(data.map(({ id }) => id).sort()).toEqual(['by-key', 'few', 'free', 'pro', 'team', 'unlimited']);
  expect(data.find(({ id }) => id === 'few')).toEqual({
    id: 'few',
    object: 'plan',
    requests: { minute: null, hour: null, day: 5 },
    requests_per_key: { minute: null, hour: null, day: null },
    tokens_per_month: null,
    model_calls_at_once: null,
  });
});

it('tells what is left and until when', async () => {
  const user = await product.createUser();
  for (let index = 0; index < 3; index++) await me(user);
  const limits = (await (await product.request(user, 'GET', '/v1/me/limits')).json()) as { requests: object[] };
  expect(limits).toMatchObject({ object: 'limits', plan: 'free', requests_per_key: [] });
  expect(limits.requests).toMatchObject([
    { window: 'minute', limit: 2000, remaining: 1996, resets_at: expect.stringMatching(/:00\.000Z$/) },
    { window: 'hour', limit: 10000, remaining: 9996, resets_at: expect.stringMatching(/:00:00\.000Z$/) },
    { window: 'day', limit: 50000, remaining: 49996, resets_at: expect.stringMatching(/T00:00:00\.000Z$/) },
  ]);
});

it('a plan that is changed applies to the next request', async () => {
  const user = await createUserOn('few');
  const change = await product.request(user, 'PUT', '/v1/me/plan', { plan: 'unlimited' });
  expect([change.status, await change.json()]).toMatchObject([200, { id: 'unlimited' }]);
  expect(await countOk([user], 50)).toBe(50);
  expect(await (await product.request(user, 'GET', '/v1/me/plan')).json()).toMatchObject({ id: 'unlimited' });
});

it('a plan that the user is already on changes nothing and is recorded once', async () => {
  const user = await createUserOn('few');
  const version = sql<{ auth_version: number }>`
    -- test.read_version
    select auth_version from users where user_id = ${user.userId}::uuid`;
  const versions: (number | undefined)[] = [];
  for (const plan of ['unlimited', 'unlimited', 'free']) {
    const change = await product.request(user, 'PUT', '/v1/me/plan', { plan });
    expect([change.status, await change.json()]).toMatchObject([200, { id: plan }]);
    versions.push((await product.postgres.query(version, testContext()))[0]?.auth_version);
  }
  const [first = 0] = versions;
  expect(versions).toEqual([first, first, first + 1]);
  const { data } = (await (await product.request(user, 'GET', '/v1/activity?kind=plan.changed')).json()) as {
    data: unknown[];
  };
  expect(data).toHaveLength(2);
});

it('a user on a plan that is no longer there is treated as on the smallest', async () => {
  const user = await createUserOn('gone');
  expect((await me(user)).headers.get('x-ratelimit-limit-requests')).toBe('2000');
  expect(await (await product.request(user, 'GET', '/v1/me/plan')).json()).toMatchObject({ id: 'free' });
});
