import type { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eraseUser, largeParts } from '../../src/app/stored-data/erase-user.ts';
import { newId } from '../../src/base/ids.ts';
import { systemClock } from '../../src/base/time.ts';
import { Tokens } from '../../src/core/accounts/index.ts';
import { beginErasing } from '../../src/core/accounts/queries.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { type Database, openPostgres } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const app = await createPrivyApp();
/** Nobody works on its jobs: an account stays half erased. */
const product = useProduct(app.variables, { worksOnJobs: false });
let operator: TestUser;
/** Does to a user what others do at the same time. */
let other: Client;
/** Looks on. */
let client: Client;

beforeAll(async () => {
  operator = await product.createUser('operator');
  [other, client] = await Promise.all([product.connect(), product.connect()]);
});

interface Person extends TestUser {
  readonly username: string;
  readonly keyId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** A user whose key may do everything, and who has signed in. */
async function createPerson(): Promise<Person> {
  const username = `person-${newId().slice(-12)}`;
  const user = await product.createUser(username);
  const { rows } = await client.query('select id from api_keys where user_id = $1', [user.userId]);
  const tokens = new Tokens({ secrets: [app.variables.AUTH_SECRETS ?? ''], clock: systemClock });
  const signIn = { userId: user.userId, signInId: newId(), generation: 0 };
  const { access_token: accessToken, refresh_token: refreshToken } = await tokens.issue(signIn);
  return { ...user, username, keyId: rows[0].id, accessToken, refreshToken };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a route answers.
const readJson = async (response: Response): Promise<any> => JSON.parse(await response.text());

async function answerOf(response: Response): Promise<unknown[]> {
  const text = await response.text();
  return [response.status, ...(text === '' ? [] : [JSON.parse(text).error?.code])];
}

const refresh = (refreshToken: string) =>
  product.request(undefined, 'POST', '/api/auth/refresh', { refresh_token: refreshToken });

const logOut = ({ refreshToken }: Person) =>
  product.request(undefined, 'POST', '/api/auth/logout', { refresh_token: refreshToken });

/** Waits until a statement of the product waits for a lock. */
async function someoneWaits(): Promise<void> {
  await expect.poll(() => countLocked(client)).toBe(1);
}

/** What a request is answered whose statement waits for what is done to the user's row, or to the whole table, meanwhile. */
async function answerBeside(request: () => Promise<Response>, change: () => Promise<unknown>): Promise<unknown[]> {
  await other.query('begin');
  try {
    await change();
    const response = request();
    await someoneWaits();
    await other.query('commit');
    return await answerOf(await response);
  } finally {
    await other.query('rollback');
  }
}

/** Each row of the user's in a table, as text. */
async function rowsOf(table: string, { userId }: TestUser): Promise<string[]> {
  const { rows } = await client.query(`select t::text as row from ${table} t where user_id = $1`, [userId]);
  return rows.map(({ row }) => row);
}

describe('a request whose account is erased while it runs', () => {
  const refused = [401, 'auth.user_disabled'];
  const send = (method: string, path: string, body?: object) => (person: Person) =>
    product.request(person, method, path, body);
  const requests = [
    { name: 'PATCH /v1/me', request: send('PATCH', '/v1/me', { username: 'kept', email: 'kept@example.com' }) },
    { name: 'PUT /v1/me/plan', request: send('PUT', '/v1/me/plan', { plan: 'pro' }) },
    { name: 'GET /v1/me/referrals', request: send('GET', '/v1/me/referrals') },
    { name: 'POST /v1/keys', request: send('POST', '/v1/keys', { name: 'kept' }) },
    {
      name: 'POST /api/auth/refresh',
      request: ({ refreshToken }: Person) => refresh(refreshToken),
      done: [401, 'auth.invalid_token'],
    },
    // Whatever came first, the sign-in is ended.
    { name: 'POST /api/auth/logout', request: logOut, begun: [204], done: [204] },
  ];

  test.each(
    requests.flatMap(({ begun = refused, done = refused, ...rest }) => [
      { ...rest, isDone: false, step: 'begun', expected: begun },
      { ...rest, isDone: true, step: 'done', expected: done },
    ]),
  )('$name finds it gone when that is $step, and leaves nothing in it', async ({ name, request, isDone, expected }) => {
    const person = await createPerson();
    await product.request(person, 'GET', '/v1/me');
    const answer = await answerBeside(
      () => request(person),
      async () => {
        // A request that only reads waits for nothing less.
        if (name.startsWith('GET')) await other.query('lock table users');
        const { text, values } = beginErasing(person);
        await other.query(text, [...values]);
        if (isDone) await other.query('delete from users where user_id = $1', [person.userId]);
      },
    );
    expect(answer).toEqual(expected);
    const { rows } = await client.query('select username, email, plan from users where user_id = $1', [person.userId]);
    expect(rows).toEqual(isDone ? [] : [{ username: `erased-${person.userId}`, email: null, plan: 'free' }]);
    expect(await rowsOf('api_keys', person)).toEqual([]);
    expect(await rowsOf('refresh_families', person)).toEqual([]);
    const acts = await rowsOf('activity', person);
    expect(acts.filter((act) => !act.includes('user.created'))).toEqual([]);
  });
});

test('a request that claims its Idempotency-Key when its account is gone finds it gone', async () => {
  const person = await createPerson();
  await product.request(person, 'GET', '/v1/me');
  const complete = () =>
    fetch(`${product.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${person.key}`, 'content-type': 'application/json' },
        'idempotency-key': newId(),
      },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] }),
    });
  const erase = () => other.query('delete from users where user_id = $1', [person.userId]);
  expect(await answerBeside(complete, erase)).toEqual([401, 'auth.user_disabled']);
});

describe('an account that is being erased', () => {
  let person: Person;

  beforeEach(async () => {
    person = await createPerson();
    const erased = await product.request(person, 'DELETE', `/v1/me?confirm=${person.username}`);
    expect(erased.status).toBe(200);
  });

  test.each([{ disabled: false }, { disabled: true }, { plan: 'pro' }])(
    'is not there for operators, and stays dead: %j',
    async (change) => {
      const before = await rowsOf('users', person);
      const change404 = async (userId: string) => {
        const response = await product.request(operator, 'PATCH', `/admin/users/${userId}`, change);
        return [response.status, await response.text()];
      };
      expect(await change404(person.userId)).toEqual(await change404(newId()));
      expect(await rowsOf('users', person)).toEqual(before);
      for (const key of [person.key, person.accessToken]) {
        expect((await product.request({ key }, 'GET', '/v1/me')).status).toBe(401);
      }
      expect(await answerOf(await refresh(person.refreshToken))).toEqual([401, 'auth.user_disabled']);
    },
  );

  test('is not listed, while a name that begins as it is called now is', async () => {
    await product.createUser('erased-not');
    const { data } = await readJson(await product.request(operator, 'GET', '/admin/users?q=erased-'));
    expect(data.map(({ username }: { username: string }) => username)).toEqual(['erased-not']);
    const everybody = await (await product.request(operator, 'GET', '/admin/users?limit=1000')).text();
    expect(everybody).not.toContain(person.userId);
  });
});

test.each([
  ['a key is changed', (person: Person) => product.request(person, 'PATCH', `/v1/keys/${person.keyId}`, { name: 'x' })],
  ['a key is revoked', (person: Person) => product.request(person, 'DELETE', `/v1/keys/${person.keyId}`)],
  ['a key is replaced', (person: Person) => product.request(person, 'POST', `/v1/keys/${person.keyId}/rotate`, {})],
  ['a refresh token is used again', ({ refreshToken }: Person) => refresh(refreshToken)],
  ['a sign-in is ended', logOut],
])(
  'when %s, the user’s row is locked first: erasing the account and that do not wait for each other',
  async (_, request) => {
    const person = await createPerson();
    expect((await refresh(person.refreshToken)).status).toBe(200);
    await other.query('begin');
    await other.query('select from users where user_id = $1 for update', [person.userId]);
    const response = request(person);
    await someoneWaits();
    const lock = async (table: string) =>
      (await other.query(`select from ${table} where user_id = $1 for update skip locked`, [person.userId])).rowCount;
    const free = [await lock('api_keys'), await lock('refresh_families')];
    await other.query('rollback');
    expect((await response).status).toBeLessThan(500);
    expect(free).toEqual([1, 1]);
  },
);

describe('the job that erases a user', () => {
  /** Does the job, and answers how many rows each of its statements erased that was done. */
  async function erase(userId: string, postgres: Database = product.postgres): Promise<[string, number][]> {
    const erased: [string, number][] = [];
    const database: Database = {
      async query(statement, context) {
        const rows = await postgres.query(statement, context);
        erased.push([statement.name, rows.length]);
        return rows;
      },
    };
    const installed = { eraseUser: async (id: string) => void erased.push([`what assistants have of ${id}`, 0]) };
    const context = testContext();
    await eraseUser({ database, installed }).run({ user_id: userId }, context);
    return erased;
  }

  const pagesOf = (erased: [string, number][], statement: string) =>
    erased.filter(([name]) => name === statement).map(([, rows]) => rows);

  test.each([
    ['sessions', 'chat.erase_sessions', 'insert into chat_sessions (user_id, id) select $1, gen_random_uuid()'],
    [
      'messages of several sessions',
      'chat.erase_messages',
      `with sessions as (
          insert into chat_sessions (user_id, id) select $1, lpad(i::text, 32, '0')::uuid from generate_series(0, 2) i)
        insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
        select $1, lpad((n % 3)::text, 32, '0')::uuid, n, gen_random_uuid(), 'user', 'Hello', now()`,
    ],
    [
      'answers kept under an Idempotency-Key',
      'accounts.erase_idempotency_keys',
      `insert into idempotency_keys (user_id, key, fingerprint) select $1, gen_random_uuid(), ''`,
    ],
  ])('erases %s in pages, however many there are', async (_, statement, insert) => {
    const { userId } = await product.createUser();
    await client.query(`${insert} from generate_series(1, 1200) n`, [userId]);
    const erased = await erase(userId);
    expect(erased[0]?.[0]).toBe(`what assistants have of ${userId}`);
    expect(pagesOf(erased, statement)).toEqual([500, 500, 200]);
    expect(await rowsOf('users', { userId, key: '' })).toEqual([]);
  });

  test('goes on with fewer rows where a page of long ones takes longer than a statement may', async () => {
    const { userId } = await product.createUser();
    const sessionId = newId();
    await client.query('insert into chat_sessions (user_id, id) values ($1, $2)', [userId, sessionId]);
    await client.query(
      `insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
        select $1, $2, n, gen_random_uuid(), 'user', 'Long.', now() from generate_series(1, 20) n`,
      [userId, sessionId],
    );
    // Each row takes the time of a very long one.
    await client.query(`
      create function take_time() returns trigger language plpgsql as
        'begin perform pg_sleep(0.1); return old; end';
      create trigger take_time before delete on chat_messages for each row execute function take_time()`);
    const log = createLogger({ level: 'silent' });
    const postgres = openPostgres({ url: product.databaseUrl, log, statementTimeoutMs: 1_500, poolWaitMs: 5_000 });
    try {
      expect(pagesOf(await erase(userId, postgres), 'chat.erase_messages')).toEqual([8, 8, 4]);
    } finally {
      await postgres.close();
      await client.query('drop trigger take_time on chat_messages; drop function take_time');
    }
    expect(await rowsOf('users', { userId, key: '' })).toEqual([]);
  });

  test('erases each table that has tables under it in pages, and those before it: a row takes time', async () => {
    const references = `
      select child.relname as child, parent.relname as parent
      from pg_constraint k join pg_class child on child.oid = k.conrelid join pg_class parent on parent.oid = k.confrelid
      where k.contype = 'f' and k.confdeltype = 'c' and k.conparentid = 0
        and child.relnamespace = 'public'::regnamespace and parent.relname <> 'users'
      order by 1`;
    const { rows } = await client.query<{ child: string; parent: string }>(references);
    expect(rows.length).toBeGreaterThan(0);
    const paged = largeParts.map((part) => /delete from (\w+)/.exec(part({ userId: newId(), limit: 1 }).text)?.[1]);
    for (const { child, parent } of rows) {
      expect(paged).toContain(parent);
      expect(paged.slice(0, paged.indexOf(parent))).toContain(child);
    }
  });
});
