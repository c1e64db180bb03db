import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { isWellFormedSecret, KeyUses } from '../../src/core/keys/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { startProduct, useProduct, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const product = useProduct();
const user = useUser(product);

interface KeyAnswer {
  id: string;
  key: string;
  name: string;
  permissions: string[];
  expires_at: string | null;
  last_used_at: string | null;
}

async function createKey(body: object, as = user): Promise<KeyAnswer> {
  return (await (await product.request(as, 'POST', '/v1/keys', body)).json()) as KeyAnswer;
}

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

/** In how many minutes a key that was made expires. */
async function minutesLeft(made: Response): Promise<number> {
  const { expires_at } = (await made.json()) as KeyAnswer;
  return Math.round((Date.parse(expires_at ?? '') - Date.now()) / 60_000);
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

it('works only from the networks that it is for', async () => {
  const home = await createKey({ name: 'home', ip_allowlist: ['127.0.0.0/8', '2001:db8::/32'] });
  expect((await product.request(home, 'GET', '/v1/keys')).status).toBe(200);
  const away = await createKey({ name: 'away', ip_allowlist: ['192.0.2.0/24'] });
  const refused = await product.request(away, 'GET', '/v1/keys');
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ error: { code: 'keys.ip_not_allowed' } });
  const moved = await product.request(user, 'PATCH', `/v1/keys/${away.id}`, { ip_allowlist: null });
  expect(await moved.json()).toMatchObject({ ip_allowlist: null });
  expect((await product.request(away, 'GET', '/v1/keys')).status).toBe(200);
  await product.request(user, 'PATCH', `/v1/keys/${home.id}`, { ip_allowlist: ['192.0.2.1'] });
  expect((await product.request(home, 'GET', '/v1/keys')).status).toBe(403);
});

it('can be given another expiry, or none', async () => {
  const created = await createKey({ name: 'trial', expires_at: new Date(Date.now() + 60_000).toISOString() });
  const expires_at = new Date(Date.now() + 120_000).toISOString();
  const later = await product.request(user, 'PATCH', `/v1/keys/${created.id}`, { expires_at });
  expect(await later.json()).toMatchObject({ expires_at, name: 'trial' });
  const renamed = await product.request(user, 'PATCH', `/v1/keys/${created.id}`, { name: 'kept' });
  expect(await renamed.json()).toMatchObject({ expires_at, name: 'kept' });
  const never = await product.request(user, 'PATCH', `/v1/keys/${created.id}`, { expires_at: null });
  expect(await never.json()).toMatchObject({ expires_at: null });
});

it('shows when it was last used, without a statement in the request', async () => {
  const created = await createKey({ name: 'used' });
  await product.request(created, 'GET', '/v1/keys');
  const lastUsed = async () => (await listKeys('?limit=1')).data[0]?.last_used_at ?? null;
  expect(await lastUsed()).toBe(null);
  const uses = new KeyUses({
    database: product.postgres,
    clock: systemClock,
    log: createLogger({ level: 'silent' }),
  });
  uses.note(user.userId, created.id);
  await uses.store();
  const first = Date.parse((await lastUsed()) ?? '');
  expect(Math.abs(Date.now() - first)).toBeLessThan(60_000);
  // What another server noted before that does not turn the time back.
  const slow = new KeyUses({
    database: product.postgres,
    clock: { ...systemClock, now: () => new Date(first - 5_000) },
    log: createLogger({ level: 'silent' }),
  });
  slow.note(user.userId, created.id);
  await slow.store();
  expect(Date.parse((await lastUsed()) ?? '')).toBe(first);
});

it('is noted as used by the requests that it makes, and stored when the server stops', async () => {
  const other = await startProduct();
  try {
    const owner = await other.createUser();
    await other.request(owner, 'GET', '/v1/keys');
    const used = sql<{ count: number }>`
      -- test.count_used
      select count(*)::int as count from api_keys where user_id = ${owner.userId} and last_used_at is not null`;
    expect(await other.postgres.query(used, testContext())).toEqual([{ count: 0 }]);
    await other.server.stop();
    expect(await other.postgres.query(used, testContext())).toEqual([{ count: 1 }]);
  } finally {
    await other.stop();
  }
});

describe('a key that is replaced', () => {
  const rotate = async (id: string, body: object = {}, as: { key: string } = user) =>
    product.request(as, 'POST', `/v1/keys/${id}/rotate`, body);

  it('has a successor of the same name, permissions and networks, and goes on for the overlap', async () => {
    const old = await createKey({ name: 'ci', permissions: ['keys:read'], ip_allowlist: ['127.0.0.1'] });
    const response = await rotate(old.id, { overlap_seconds: 3_600 });
    expect(response.status).toBe(201);
    const fresh = (await response.json()) as KeyAnswer;
    expect(fresh).toMatchObject({
      name: 'ci',
      permissions: ['keys:read'],
      ip_allowlist: ['127.0.0.1'],
      expires_at: null,
    });
    expect(isWellFormedSecret(fresh.key)).toBe(true);
    for (const key of [old, fresh]) expect((await product.request(key, 'GET', '/v1/keys')).status).toBe(200);
    const listed = (await listKeys('?limit=1000')).data.find(({ id }) => id === old.id);
    const leftMs = Date.parse(listed?.expires_at ?? '') - Date.now();
    expect(leftMs).toBeGreaterThan(3_500_000);
    expect(leftMs).toBeLessThan(3_700_000);
  });

  it('is refused at once without an overlap', async () => {
    const old = await createKey({ name: 'leaked' });
    expect((await product.request(old, 'GET', '/v1/keys')).status).toBe(200);
    const fresh = (await (await rotate(old.id, { overlap_seconds: 0 })).json()) as KeyAnswer;
    expect((await product.request(old, 'GET', '/v1/keys')).status).toBe(401);
    expect((await product.request(fresh, 'GET', '/v1/keys')).status).toBe(200);
  });

  it('is refused at once without an overlap, also by a server whose clock is behind', async () => {
    const old = await createKey({ name: 'leaked' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await rotate(old.id, { overlap_seconds: 0 });
    expect((await product.request(old, 'GET', '/v1/keys')).status).toBe(401);
  });

  it('is followed each time by one that lives as long as it was to live before the first, or by a change since', async () => {
    const forever = await createKey({ name: 'forever' });
    const hour = await createKey({ name: 'hour', expires_at: inMinutes(60) });
    for (const { id } of [forever, hour, forever, hour]) await rotate(id, { overlap_seconds: 60 });
    expect(await (await rotate(forever.id)).json()).toMatchObject({ expires_at: null });
    expect(await minutesLeft(await rotate(hour.id))).toBe(60);
    await product.request(user, 'PATCH', `/v1/keys/${hour.id}`, { expires_at: inMinutes(120) });
    expect(await minutesLeft(await rotate(hour.id))).toBe(120);
  });

  it('does not live longer by it, and its successor lives as long again', async () => {
    const old = await createKey({ name: 'hour', expires_at: inMinutes(60) });
    expect(await minutesLeft(await rotate(old.id))).toBe(60);
    const listed = (await listKeys('?limit=1000')).data.find(({ id }) => id === old.id);
    expect(listed?.expires_at).toBe(old.expires_at);
  });

  it('is left as it is by a key that may do less', async () => {
    const weak = { key: await product.createKey(user, ['keys:write', 'keys:read']) };
    const strong = await createKey({ name: 'strong' });
    const refused = await rotate(strong.id, {}, weak);
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'keys.permission_missing' } }]);
    const listed = (await listKeys('?limit=2')).data;
    expect(listed[0]).toMatchObject({ id: strong.id, expires_at: null });
    expect(listed[1]?.id).not.toBe(strong.id);
  });

  it('is not there once it is revoked', async () => {
    const old = await createKey({ name: 'gone' });
    await product.request(user, 'DELETE', `/v1/keys/${old.id}`);
    expect((await rotate(old.id)).status).toBe(404);
    expect((await product.request(user, 'PATCH', `/v1/keys/${old.id}`, { name: 'back' })).status).toBe(404);
  });
});
