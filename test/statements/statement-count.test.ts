import { fingerprint } from 'libpg-query';
import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { newSecret } from '../../src/core/keys/index.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { listStatements } from './list-statements.ts';

/** What the server runs from time to time, whether or not there are requests. */
const ownStatements = [
  'chat.list_dead_turns',
  'chat.list_turns_to_stop',
  'keys.record_key_uses',
  // Whether a connection that idled still answers.
  'select $1',
];

const app = await createPrivyApp();
const { product } = useProductWithModel({ text: 'One two three.' }, app.variables, { worksOnJobs: false });
let client: Client;
let user: TestUser;
/** The names of the statements, by what their text has in common with the text that Postgres keeps of them. */
const names = new Map<string, string>();

beforeAll(async () => {
  for (const { name, text } of await listStatements()) names.set(await fingerprint(text), name);
  client = await product.connect();
  await client.query('create extension pg_stat_statements');
  user = await product.createUser();
  // From here on the caller is known.
  await product.request(user, 'GET', '/v1/keys');
});

/**
 * The statements that the database was sent during some work, as it counted them itself: how often each, by its name, or
 * by its text when it has none, such as `begin`.
 */
async function countStatements(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await client.query(
    'select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)',
  );
  await work();
  const { rows } = await client.query<{ query: string; calls: number }>(
    `select query, calls::integer from pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database()) and toplevel
        and query not like '%pg_stat_statements%'`,
  );
  const counted: Record<string, number> = {};
  for (const { query, calls } of rows) {
    const name = names.get(await fingerprint(query)) ?? query;
    if (!ownStatements.includes(name)) counted[name] = (counted[name] ?? 0) + calls;
  }
  return counted;
}

/** Sends a request and reads all of the answer, which must be this one. */
async function send(
  expectedStatus: number,
  ...[method, path, body]: [string, string, unknown?]
): Promise<{ id: string }> {
  const response = await product.request(user, method, path, body);
  const text = await response.text();
  expect(response.status, text).toBe(expectedStatus);
  return text === '' ? { id: '' } : JSON.parse(text);
}

describe('a request of a known caller asks the database once:', () => {
  test('creating a session', async () => {
    const counted = await countStatements(() => send(201, 'POST', '/v1/chat/sessions', { title: 'One' }));
    expect(counted).toEqual({ 'chat.insert_sessions': 1 });
  });

  test('reading the messages of several sessions', async () => {
    const sessions = [
      await send(201, 'POST', '/v1/chat/sessions', {}),
      await send(201, 'POST', '/v1/chat/sessions', {}),
    ];
    const body = { session_ids: sessions.map(({ id }) => id) };
    expect(await countStatements(() => send(200, 'POST', '/v1/chat/messages/batch', body))).toEqual({
      'chat.read_histories': 1,
    });
  });

  test('a first message that makes its conversation, twice: before the model and after it', async () => {
    const chat = () => send(200, 'POST', `/api/${user.userId}/chat`, { message: 'Hello' });
    // From here on it is known what the user has used of the plan.
    await chat();
    const counted = await countStatements(chat);
    expect(counted).toEqual({ 'chat.start_turns': 1, 'chat.end_turns': 1 });
  });

  test('reading messages', async () => {
    const { id } = await send(201, 'POST', '/v1/chat/sessions', {});
    await send(200, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Hello' });
    const counted = await countStatements(() => send(200, 'GET', `/v1/chat/sessions/${id}/messages`));
    expect(counted).toEqual({ 'chat.read_histories': 1 });
  });

  test('revoking a key', async () => {
    const { id } = await send(201, 'POST', '/v1/keys', { name: 'old', permissions: ['chat:read'] });
    const counted = await countStatements(() => product.request(user, 'DELETE', `/v1/keys/${id}`));
    expect(counted).toEqual({ 'keys.revoke_key': 1 });
  });
});

test('replacing a key asks the database once', async () => {
  const { id } = await send(201, 'POST', '/v1/keys', { name: 'old', permissions: ['chat:read'] });
  const counted = await countStatements(() => send(201, 'POST', `/v1/keys/${id}/rotate`, {}));
  expect(counted).toEqual({ 'keys.rotate_key': 1 });
});

describe('a sign-in asks the database', () => {
  const signIn = async (expectedStatus: number, rest: object = {}) =>
    send(expectedStatus, 'POST', '/api/auth', { token: await app.token('ann'), ...rest });

  test('once to sign up, by a referral code too', async () => {
    const { rows } = await client.query('select referral_code from users where user_id = $1', [user.userId]);
    const counted = await countStatements(() => signIn(201, { referral_code: rows[0].referral_code }));
    expect(counted).toEqual({ 'accounts.sign_in': 1 });
  });

  test('not at all where the identity is known', async () => {
    expect(await countStatements(() => signIn(200))).toEqual({});
  });

  test('once where it is not known', async () => {
    await send(200, 'DELETE', '/admin/cache');
    await send(200, 'GET', '/v1/keys');
    expect(await countStatements(() => signIn(200))).toEqual({ 'accounts.sign_in': 1 });
  });
});

test('a key that is mistyped asks the database nothing, and one that was never issued asks once', async () => {
  const tryKeys = async () => {
    const unknown = newSecret();
    const mistyped = unknown.slice(0, -1) + (unknown.endsWith('a') ? 'b' : 'a');
    for (const key of [mistyped, unknown, unknown]) {
      expect((await product.request({ key }, 'GET', '/v1/me')).status).toBe(401);
    }
  };
  // Twice, when a busy machine has held up the notifications; then it is tried again.
  await expect.poll(() => countStatements(tryKeys), { timeout: 10_000 }).toEqual({ 'keys.find_callers': 1 });
});

test('an access token asks once for its user, and a refresh or a sign-out once', async () => {
  const tokens: unknown = await send(200, 'POST', '/api/auth', { token: await app.token('ann') });
  const { access_token: key = '', refresh_token } = tokens as Record<string, string>;
  const me = () => product.request({ key }, 'GET', '/v1/me');
  expect(await countStatements(me)).toEqual({ 'accounts.find_accounts': 1 });
  expect(await countStatements(me)).toEqual({});
  const refresh = () => send(200, 'POST', '/api/auth/refresh', { refresh_token });
  expect(await countStatements(refresh)).toEqual({ 'accounts.use_refresh_token': 1 });
  const signOut = () => product.request({ key }, 'POST', '/api/auth/logout');
  expect(await countStatements(signOut)).toEqual({ 'accounts.end_sign_in': 1 });
});

test('a turn asks the database twice: before the model and after it', async () => {
  const { id } = await send(201, 'POST', '/v1/chat/sessions', {});
  const ask = () => send(200, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Hello' });
  // A user's first one asks what the month has cost so far.
  await ask();
  expect(await countStatements(ask)).toEqual({ 'chat.start_turns': 1, 'chat.end_turns': 1 });
});

test('a statement without a name is counted too', async () => {
  const counted = await countStatements(async () => {
    await client.query('begin');
    await client.query('commit');
  });
  expect(counted).toEqual({ begin: 1, commit: 1 });
});

// The last: what a completion cost is written a moment after it.
test('a completion asks the database nothing; with an Idempotency-Key once before the model and once after it', async () => {
  const question = { messages: [{ role: 'user', content: 'Hello' }] };
  // Besides, who is calling, when a busy machine has held up the notifications; then it is tried again.
  const ask = () => send(200, 'POST', '/v1/chat/completions', question);
  await expect.poll(() => countStatements(ask), { timeout: 10_000 }).toEqual({});
  const askWithKey = async (key: string) => {
    const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': key };
    const init = { method: 'POST', headers, body: JSON.stringify(question) };
    const response = await fetch(`${product.url}/v1/chat/completions`, init);
    expect(response.status, await response.text()).toBe(200);
  };
  const claimed = { 'accounts.claim_idempotency_key': 1 };
  const first = () => countStatements(() => askWithKey(newId()));
  await expect.poll(first, { timeout: 10_000 }).toEqual({ ...claimed, 'accounts.remember_answer': 1 });
  await askWithKey('again');
  await expect.poll(() => countStatements(() => askWithKey('again')), { timeout: 10_000 }).toEqual(claimed);
});
