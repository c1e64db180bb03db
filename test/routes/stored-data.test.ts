import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { storedParts } from '../../src/app/stored-data/export-routes.ts';
import { newId } from '../../src/base/ids.ts';
import type { StoredPart } from '../../src/core/accounts/index.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { permissionsWithout, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { listAssistantExamples } from './assistant-examples.ts';
import { createResources } from './create-resources.ts';

/** Tables of the core whose rows a user is not given, each with the reason. */
const notExported: Record<string, string> = {
  'public.idempotency_keys': 'Copies of answers, which are gone after a day.',
};

const app = await createPrivyApp();
const product = useProduct(app.variables);
let client: Client;

beforeAll(async () => {
  client = await product.connect();
});

interface Person {
  readonly id: string;
  readonly userId: string;
  readonly username: string;
  readonly key: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly subject: string;
}

async function signUp(rest: object = {}, subject = newId()): Promise<Person> {
  const token = await app.token(subject, { email: `${subject}@example.com`, email_verified: true });
  const response = await product.request(undefined, 'POST', '/api/auth', { token, ...rest });
  expect(response.status).toBe(201);
  const { user, api_key: key, access_token, refresh_token } = JSON.parse(await response.text());
  const { id, username } = user;
  return { id, userId: id, username, key, subject, accessToken: access_token, refreshToken: refresh_token };
}

async function send(person: { key: string }, ...[method, path, body]: [string, string, unknown?]): Promise<string> {
  const response = await product.request(person, method, path, body);
  const text = await response.text();
  expect(response.status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return text;
}

/** A user who has something of everything: also a referral on each side. */
async function createPerson(): Promise<Person> {
  const referrer = await signUp();
  const { code } = JSON.parse(await send(referrer, 'GET', '/v1/me/referrals'));
  const person = await signUp({ referral_code: code });
  const own = JSON.parse(await send(person, 'GET', '/v1/me/referrals'));
  const friend = await signUp({ referral_code: own.code });
  const resources = await createResources(product, person);
  for (const example of Object.values(listAssistantExamples())) {
    const { method, path, body } = example(resources);
    if (method === 'POST') await send(person, method, path, body);
  }
  await send(person, 'PATCH', '/v1/me', { settings: { theme: 'dark' } });
  await send(person, 'PUT', '/v1/notifications/preferences', {
    preferences: { welcome: { in_app: true, email: false } },
  });
  await product.request(undefined, 'POST', '/api/auth/refresh', { refresh_token: person.refreshToken });
  await fetch(`${product.url}/v1/chat/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${person.key}`, 'idempotency-key': newId() },
  });
  const usage = 'insert into usage_days values ($1, current_date, $2, 1, 10, 10)';
  for (const model of ['one', 'two']) await client.query(usage, [person.id, model]);
  const rewarded = async () => JSON.parse(await send(friend, 'GET', '/v1/me/referrals')).rewards.count;
  await expect.poll(rewarded, { timeout: 20_000 }).toBe(1);
  await noJobs();
  return person;
}

/** A user with so many messages in one session. */
async function createTalker(messageCount: number): Promise<Person> {
  const person = await signUp();
  await client.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
      select $1, $2, n, gen_random_uuid(), 'user', 'Said ' || n, now() from generate_series(1, $3::integer) n`,
    [person.id, await product.createSession(person), messageCount],
  );
  return person;
}

async function noJobs(): Promise<void> {
  const count = async () => {
    const { rows } = await client.query(
      `select count(*)::integer as jobs from graphile_worker._private_jobs where payload ->> 'user_id' is not null`,
    );
    return rows[0].jobs;
  };
  await expect.poll(count, { timeout: 20_000 }).toBe(0);
}

/** How many rows each table with a `user_id` has of a user, as `schema.table`. */
async function countOwned(userId: string): Promise<Map<string, number>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
      where c.relkind in ('r', 'p') and not c.relispartition order by 1`,
  );
  const counted = new Map<string, number>();
  for (const { name } of tables) {
    const { rows } = await client.query(`select count(*)::integer as rows from ${name} where user_id = $1`, [userId]);
    counted.set(name, rows[0].rows);
  }
  return counted;
}

/** Every table of any schema in which a text is anywhere. */
async function findMentions(text: string): Promise<string[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query(`select 1 from ${name} t where t::text like '%' || $1 || '%' limit 1`, [text]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

type Export = Record<string, object[]> & { assistants: { assistant: string; entry: object }[] };

describe('GET /v1/me/export', () => {
  test('has every row of every table that has rows of the user', async () => {
    const person = await createPerson();
    const response = await product.request(person, 'GET', '/v1/me/export');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="evenkeel-export.json"');
    const exported = (await response.json()) as Export;
    for (const [name, rows] of await countOwned(person.id)) {
      const [schema = '', table = ''] = name.split('.');
      if (schema !== 'public') {
        // What its tables come to is for an assistant to say, and for its own tests.
        if (rows > 0) expect(exported.assistants.map(({ assistant }) => assistant)).toContain(schema);
        continue;
      }
      expect(rows, `${name} has no row: have the test make one`).toBeGreaterThan(0);
      if (name in notExported) expect(exported[table]).toBeUndefined();
      else expect(exported[table], name).toHaveLength(rows);
    }
    const tables = Object.keys(exported).filter((field) => !['object', 'user_id', 'assistants'].includes(field));
    expect(tables.every((table) => Array.isArray(exported[table]))).toBe(true);
  });

  test('tells who was referred when that was, and what came of it, but not by whom; others nothing', async () => {
    const person = await createPerson();
    const text = await send(person, 'GET', '/v1/me/export');
    const { rows } = await client.query(
      'select user_id, created_at, rewarded_at from referrals where referred_user_id = $1',
      [person.id],
    );
    const [{ user_id: referrerId, ...times }] = rows;
    const { referred_by: referredBy } = JSON.parse(text);
    expect(referredBy).toEqual([{ status: 'rewarded', ...JSON.parse(JSON.stringify(times)) }]);
    expect(text).not.toContain(referrerId);
    expect(JSON.parse(await send(await signUp(), 'GET', '/v1/me/export')).referred_by).toEqual([]);
  });

  test('has no secret, nor what one is known by, and nothing of another user', async () => {
    const [person, other] = [await createPerson(), await createPerson()];
    const text = await send(person, 'GET', '/v1/me/export');
    const { rows } = await client.query(`select encode(hash, 'hex') as hash from api_keys where user_id = $1`, [
      person.id,
    ]);
    const secrets = [person.key, person.accessToken, person.refreshToken, ...rows.map(({ hash }) => hash)];
    for (const secret of [...secrets, other.id, other.subject]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/"(?:hash|fingerprint|auth_version)"/);
  });

  test('of what takes many pages has each row once, in order', async () => {
    const person = await createTalker(2_500);
    const { chat_messages: messages } = JSON.parse(await send(person, 'GET', '/v1/me/export'));
    expect(messages.map(({ seq }: { seq: number }) => seq)).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1));
  });

  test.each([
    ['chat_messages', 'content'],
    ['chat_turns', 'partial'],
  ])('reads long rows of %s a few at a time, and each once', async (table, column) => {
    const person = await signUp();
    const id = await product.createSession(person);
    const insert = {
      chat_messages: `insert into chat_messages (user_id, session_id, seq, id, role, content, tool_calls, created_at)
        select $1, $2, n, gen_random_uuid(), 'user', repeat('€', chars), to_json(repeat('x', call_chars)), now()`,
      chat_turns: `insert into chat_turns (user_id, session_id, id, owner, status, model, partial, tool_calls)
        select $1, $2, lpad(n::text, 32, '0')::uuid, gen_random_uuid(), 'failed', 'm', repeat('€', chars), to_json(repeat('x', call_chars))`,
    }[table];
    // Long ones, some by what tools were asked, one that is longer than a page, and many short ones.
    await client.query(
      `${insert} from generate_series(1, 300) n cross join lateral (select
        case when n <= 8 then 200000 when n = 9 then 1000000 else 10 end as chars,
        case when n between 20 and 27 then 600000 else 10 end as call_chars) size`,
      [person.id, id],
    );
    const { read } = storedParts.find((part) => part.table === table) as StoredPart<Record<string, string>>;
    const pages: Record<string, string>[][] = [];
    while (pages.at(-1)?.length !== 0) {
      const page = { userId: person.id, after: pages.at(-1)?.at(-1), limit: 500 };
      pages.push(await product.postgres.query(read(page), testContext()));
    }
    for (const page of pages) {
      const allButLast = page.slice(0, -1).map((row) => `${row[column]}${JSON.stringify(row.tool_calls)}`);
      expect(Buffer.byteLength(allButLast.join(''))).toBeLessThan(1_000_000);
    }
    expect(Math.max(...pages.map(({ length }) => length))).toBeGreaterThan(200);
    const exported = JSON.parse(await send(person, 'GET', '/v1/me/export'))[table];
    expect(exported).toEqual(JSON.parse(JSON.stringify(pages.flat())));
    expect(new Set(exported.map((row: { id: string }) => row.id)).size).toBe(300);
  });
});

test.each(['account:read', 'chat:read', 'keys:read'])(
  'a key without %s, which may not read all that an export holds, gets none',
  async (permission) => {
    const key = await product.createKey(await product.createUser(), permissionsWithout(permission));
    const response = await product.request({ key }, 'GET', '/v1/me/export');
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({
      error: { code: 'keys.permission_missing', message: expect.stringContaining(`"${permission}"`) },
    });
  },
);

test('an export that cannot begin is answered as what went wrong', async () => {
  const person = await signUp();
  await send(person, 'GET', '/v1/me');
  await client.query('begin; lock table users');
  const response = await product.request(person, 'GET', '/v1/me/export').finally(() => client.query('rollback'));
  expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'postgres.timeout' } }]);
});

describe('DELETE /v1/me', () => {
  const erase = (person: Person) => send(person, 'DELETE', `/v1/me?confirm=${person.username}`);

  test('leaves nothing of the user in any table of any schema, nor in a job, and its access token is refused', async () => {
    const [person, other] = [await createPerson(), await createPerson()];
    await client.query(
      `select graphile_worker.add_job('test.later', json_build_object('user_id', $1::text), run_at => now() + interval '1 day')`,
      [person.id],
    );
    const others = await countOwned(other.id);
    expect(JSON.parse(await erase(person))).toEqual({ id: person.id, object: 'user', deleted: true });
    await expect.poll(() => findMentions(person.id), { timeout: 20_000 }).toEqual([]);
    for (const trace of [person.subject, person.username, person.key]) expect(await findMentions(trace)).toEqual([]);
    expect(await countOwned(other.id)).toEqual(others);
    // An access token outlives the account.
    const gone = await product.request({ key: person.accessToken }, 'GET', '/v1/me');
    expect([gone.status, await gone.json()]).toMatchObject([401, { error: { code: 'auth.invalid_token' } }]);
  });

  test('ends every key and token at once, and a new sign-up of the identity is somebody else', async () => {
    const person = await createPerson();
    const spare = JSON.parse(await send(person, 'POST', '/v1/keys', { name: 'spare' }));
    for (const key of [spare.key, person.accessToken]) await send({ key }, 'GET', '/v1/me');
    await erase(person);
    for (const key of [person.key, spare.key, person.accessToken]) {
      expect((await product.request({ key }, 'GET', '/v1/me')).status).toBe(401);
    }
    const refresh = await product.request(undefined, 'POST', '/api/auth/refresh', {
      refresh_token: person.refreshToken,
    });
    expect(refresh.status).toBe(401);
    const again = await signUp({ username: person.username }, person.subject);
    expect(again.id).not.toBe(person.id);
    expect(JSON.parse(await send(again, 'GET', '/v1/chat/sessions')).data).toEqual([]);
  });

  test('asked for many times at once begins once', async () => {
    const person = await createPerson();
    const request = () => product.request(person, 'DELETE', `/v1/me?confirm=${person.username}`);
    const answers = await Promise.all(Array.from({ length: 20 }, request));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)]);
  });

  test('takes the username as confirmation, and without it changes nothing', async () => {
    const person = await signUp();
    for (const query of ['?confirm=somebody', '?confirm=', '']) {
      const response = await product.request(person, 'DELETE', `/v1/me${query}`);
      expect(response.status).toBe(400);
    }
    await send(person, 'GET', '/v1/me');
  });

  test('of a user with many rows is done in several statements', async () => {
    const person = await createTalker(12_000);
    await erase(person);
    await expect.poll(() => findMentions(person.id), { timeout: 20_000 }).toEqual([]);
  });
});
