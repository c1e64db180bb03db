import { describe, expect, test } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const { product, provider } = useProductWithModel({ text: 'One two three.' });
const operator = useUser(product, 'operator');

interface Page {
  data: { id: string; username: string; email: string | null; plan: string; disabled_at: string | null }[];
  next_cursor: string | null;
}

async function list(query: string): Promise<Page> {
  const response = await product.request(operator, 'GET', `/admin/users?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

const namesOf = ({ data }: Page) => data.map(({ username }) => username);

async function change(userId: string, body: object) {
  const response = await product.request(operator, 'PATCH', `/admin/users/${userId}`, body);
  return { status: response.status, body: (await response.json()) as Page['data'][number] };
}

async function kindsOf(user: { key: string }): Promise<string[]> {
  const response = await product.request(user, 'GET', '/v1/activity');
  const { data } = (await response.json()) as { data: { kind: string; key_id: string | null; ip: string | null }[] };
  return data.map(({ kind, key_id: keyId, ip }) => (keyId === null && ip === null ? kind : `${kind} by`));
}

describe('GET /admin/users', () => {
  test('lists by name, page by page, those whose name begins so', async () => {
    for (const name of ['li.ann', 'li-bob', 'li_cid', 'lisa', 'li%', 'l']) await product.createUser(name);
    expect(namesOf(await list('q=li'))).toEqual(['li%', 'li-bob', 'li.ann', 'li_cid', 'lisa']);
    const first = await list('q=li&limit=3');
    expect(namesOf(await list(`q=li&limit=3&cursor=${first.next_cursor}`))).toEqual(['li_cid', 'lisa']);
    expect(namesOf(await list('q=li%25'))).toEqual(['li%']);
    expect(namesOf(await list('q=li_'))).toEqual(['li_cid']);
    expect(namesOf(await list('q=Lis'))).toEqual(['lisa']);
    expect(namesOf(await list(''))).toContain('operator');
  });

  test('lists all who have an e-mail address, however long and whatever its letters', async () => {
    const domain = '@example.com';
    const name = 'ж'.repeat(254 - domain.length);
    const users = [await product.createUser('mail-a'), await product.createUser('mail-b'), await product.createUser()];
    const set = sql`
      -- test.set_email
      update users set email = ${`${name.toUpperCase()}${domain}`} where user_id = any (${users.slice(0, 2).map(({ userId }) => userId)})`;
    await product.postgres.query(set, testContext());
    const query = `q=${encodeURIComponent(`${name}@EXAMPLE.com`)}&limit=1`;
    const first = await list(query);
    const second = await list(`${query}&cursor=${first.next_cursor}`);
    expect([...namesOf(first), ...namesOf(second)]).toEqual(['mail-a', 'mail-b']);
    expect(second.next_cursor).toBeNull();
  });
});

describe('PATCH /admin/users/{user_id}', () => {
  test('disables and enables a user, who is told in the activity, but not by whom', async () => {
    const user = await product.createUser();
    expect((await change(user.userId, { disabled: true })).body.disabled_at).toMatch(/Z$/);
    const refused = await product.request(user, 'GET', '/v1/me');
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 'auth.user_disabled' } }]);
    await change(user.userId, { disabled: true });
    expect((await change(user.userId, { disabled: false })).body.disabled_at).toBeNull();
    expect((await kindsOf(user)).slice(0, 2)).toEqual(['user.enabled', 'user.disabled']);
    expect((await kindsOf(operator)).slice(0, 3)).toEqual(Array(3).fill('user.administered by'));
  });

  test('changes the plan, and leaves the rest', async () => {
    const user = await product.createUser();
    expect(await change(user.userId, { plan: 'pro' })).toMatchObject({ status: 200, body: { plan: 'pro' } });
    expect(await (await product.request(user, 'GET', '/v1/me')).json()).toMatchObject({ plan: 'pro' });
    expect((await kindsOf(user))[0]).toBe('plan.changed');
    expect(await change(user.userId, { plan: 'nobody' })).toMatchObject({
      status: 400,
      body: { error: { code: 'plans.not_found', param: 'plan' } },
    });
  });

  test('does not disable the operator who asks', async () => {
    expect(await change(operator.userId, { disabled: true, plan: 'pro' })).toMatchObject({
      status: 400,
      body: { error: { code: 'http.invalid_request', param: 'disabled' } },
    });
    const me = await product.request(operator, 'GET', '/v1/me');
    expect([me.status, await me.json()]).toMatchObject([200, { plan: 'free' }]);
  });

  test('ends the streams of a user who is disabled, with an error, and the request to the provider; no others', async () => {
    const [user, other] = [await product.createUser(), await product.createUser()];
    provider.setMode('stall-mid-stream');
    const complete = async ({ key }: TestUser) => {
      const response = await fetch(`${product.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], stream: true }),
      });
      expect(response.status).toBe(200);
      return response;
    };
    const path = `/v1/chat/sessions/${await product.createSession(user)}/messages`;
    const streams = [await complete(user), await product.request(user, 'POST', path, { content: 'Hi', stream: true })];
    const untouched = await complete(other);
    const abortedBefore = provider.aborts.length;
    await change(user.userId, { disabled: true });
    const [completion, turn] = await Promise.all(streams.map((stream) => stream.text()));
    expect(completion).toContain('auth.user_disabled');
    expect(completion).not.toContain('[DONE]');
    // The turn ends with that error too; a stream that tells of its end is whole, and one that is ended before is not.
    expect(turn).toContain('auth.user_disabled');
    await expect.poll(() => provider.aborts.length, { timeout: 5_000 }).toBeGreaterThan(abortedBefore);
    const reader = untouched.body?.getReader();
    const first = await reader?.read();
    expect([first?.done, new TextDecoder().decode(first?.value).includes('user_disabled')]).toEqual([false, false]);
    await reader?.cancel();
    provider.setMode('ok');
  });
});
