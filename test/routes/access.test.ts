import { beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { newSecret } from '../../src/core/keys/index.ts';
import { listRoutes } from '../../src/platform/http/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { disableUser } from '../harness/disable-user.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { permissionsWithout, type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { writeTestFile } from '../harness/write-test-file.ts';
import { createResources } from './create-resources.ts';
import { type Resources, routeExamples, routePermissions } from './route-examples.ts';

const app = await createPrivyApp();
const plansFile = writeTestFile('plans.yaml', 'spent: { requests: { day: 1 } }');
const product = useProduct({ ...app.variables, PLANS_FILE: plansFile });
let alice: TestUser;
let bob: TestUser;
let hers: Resources;
/** Who has used up a plan. */
let dave: TestUser;
/** The key of a user that signed up. */
let firstKey: string;

beforeAll(async () => {
  alice = await product.createUser();
  bob = await product.createUser();
  hers = await createResources(product, alice);
  const signedUp = await product.request(undefined, 'POST', '/api/auth', { token: await app.token('newcomer') });
  firstKey = ((await signedUp.json()) as { api_key: string }).api_key;
  dave = await product.createUser();
  expect((await product.request(dave, 'PUT', '/v1/me/plan', { plan: 'spent' })).status).toBe(200);
  await product.request(dave, 'GET', '/v1/me');
});

async function send(key: string | undefined, route: { method: string; path: string; body?: unknown }) {
  const response = await product.request(key === undefined ? undefined : { key }, route.method, route.path, route.body);
  return { status: response.status, text: await response.text() };
}

function codeOf(text: string): string {
  return (JSON.parse(text) as { error: { code: string } }).error.code;
}

it('has an example of every route that is not public', () => {
  const routes = listRoutes(product.server.http).filter((route) => route.access !== 'public');
  const registered = routes.filter((route) => route.method !== 'HEAD').map((route) => `${route.method} ${route.url}`);
  expect(registered.length).toBeGreaterThan(10);
  expect(registered.sort()).toEqual(Object.keys(routeExamples).sort());
});

it('takes on each route the permission that is written down for it', () => {
  const routes = listRoutes(product.server.http).filter(
    ({ method, access }) => access !== 'public' && method !== 'HEAD',
  );
  const registered = routes.map(({ method, url, access }) => [`${method} ${url}`, access]);
  expect(Object.fromEntries(registered)).toEqual(routePermissions);
});

describe.each(Object.entries(routeExamples))('%s', (name, example) => {
  const theirs = (): ReturnType<typeof example> => example(hers);

  it('answers 401 without a credential', async () => {
    const { status, text } = await send(undefined, theirs());
    expect([status, codeOf(text)]).toEqual([401, 'auth.missing_credential']);
  });

  it('answers 401 to a key that is mistyped or was never issued', async () => {
    for (const key of ['ek_short', `${newSecret().slice(0, -1)}_`, newSecret()]) {
      const { status, text } = await send(key, theirs());
      expect([status, codeOf(text)]).toEqual([401, 'auth.invalid_key']);
    }
  });

  it('answers 401 to a revoked key', async () => {
    const response = await product.request(alice, 'POST', '/v1/keys', { name: 'revoked' });
    const key = (await response.json()) as { id: string; key: string };
    await product.request(alice, 'DELETE', `/v1/keys/${key.id}`);
    const { status, text } = await send(key.key, theirs());
    expect([status, codeOf(text)]).toEqual([401, 'auth.invalid_key']);
  });

  it('answers 401 to an expired key', async () => {
    const response = await product.request(alice, 'POST', '/v1/keys', {
      name: 'expired',
      expires_at: new Date(Date.now() + 60_000).toISOString(),
    });
    const key = (await response.json()) as { id: string; key: string };
    const past = sql`
      -- test.expire_key
      update api_keys set expires_at = now() - interval '1 second' where user_id = ${alice.userId} and id = ${key.id}`;
    await product.postgres.query(past, testContext());
    const { status, text } = await send(key.key, theirs());
    expect([status, codeOf(text)]).toEqual([401, 'auth.expired_key']);
  });

  it('answers 401 to a user who is disabled', async () => {
    const carol = await product.createUser();
    await disableUser(product.postgres, carol);
    const { status, text } = await send(carol.key, theirs());
    expect([status, codeOf(text)]).toEqual([401, 'auth.user_disabled']);
  });

  it('answers 403 to a key without the permission', async () => {
    const key = await product.createKey(alice, permissionsWithout(routePermissions[name] ?? ''));
    const { status, text } = await send(key, theirs());
    expect([status, codeOf(text)]).toEqual([403, 'keys.permission_missing']);
  });

  it('answers 429 to a user who has used up the plan', async () => {
    const { status, text } = await send(dave.key, theirs());
    expect([status, codeOf(text)]).toEqual([429, 'limits.requests_exceeded']);
  });

  it("answers another user's id with the same 404 as one that does not exist", async () => {
    const missing: Resources = {
      userId: newId(),
      sessionId: newId(),
      turnId: newId(),
      keyId: newId(),
      notificationId: newId(),
      assistants: new Proxy({}, { get: () => newId() }),
    };
    if (example(missing).path === theirs().path) return;
    const foreign = await send(bob.key, theirs());
    const unknown = await send(bob.key, example(missing));
    expect(foreign.status).toBe(404);
    expect(foreign).toEqual(unknown);
  });

  it("does not reach another user's session under an own one", async () => {
    const own = await createResources(product, bob);
    const mixed = [
      { ...own, userId: hers.userId },
      { ...own, sessionId: hers.sessionId },
      { ...own, turnId: hers.turnId },
      { ...own, keyId: hers.keyId },
      { ...own, notificationId: hers.notificationId },
      { ...own, assistants: hers.assistants },
    ];
    for (const resources of mixed) {
      const route = example(resources);
      if (route.path !== example(own).path) expect((await send(bob.key, route)).status).toBe(404);
    }
  });
});

it.each(Object.entries(routeExamples).filter(([name]) => routePermissions[name] === 'admin'))(
  '%s answers 403 to the first key of a user that signed up',
  async (_name, example) => {
    const { status, text } = await send(firstKey, example(hers));
    expect([status, codeOf(text)]).toEqual([403, 'keys.permission_missing']);
  },
);

describe("another user's cursor", () => {
  const lists = () =>
    listRoutes(product.server.http).filter(({ method, access, schema }) => {
      const { properties = {} } = (schema.querystring ?? {}) as { properties?: object };
      return method === 'GET' && access !== 'admin' && 'cursor' in properties;
    });

  it('is refused, and leads to nothing of theirs, on every list', async () => {
    // Two of each, so that there is a second page.
    const more = await createResources(product, alice);
    const makers = Object.entries(routeExamples).filter(([name]) => /^POST \/api\/[^:]+$/.test(name));
    for (const [, example] of [...makers, ...makers]) await send(alice.key, example(hers));
    const tried: string[] = [];
    for (const { method, url } of lists()) {
      const { path } = routeExamples[`${method} ${url}`]?.(hers) ?? { path: url };
      const first = JSON.parse((await send(alice.key, { method, path: `${path}?limit=1` })).text);
      expect(first.next_cursor, url).toEqual(expect.any(String));
      const { status, text } = await send(bob.key, { method, path: `${path}?cursor=${first.next_cursor}` });
      const theirs = [hers, more].flatMap(({ assistants, ...ids }) => [
        ...Object.values(ids),
        ...Object.values(assistants),
      ]);
      expect(theirs.filter((id) => text.includes(id), url)).toEqual([]);
      expect([400, 404], url).toContain(status);
      tried.push(url);
    }
    expect(tried.length).toBeGreaterThan(5);
  });
});
