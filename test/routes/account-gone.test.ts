import type { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { connectChat } from '../harness/chat-client.ts';
import { countLocked } from '../harness/count-locked.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { listAssistantExamples } from './assistant-examples.ts';
import { type Resources, type RouteExample, routeExamples } from './route-examples.ts';

/** Says that the account is gone. */
const gone = [401, 'auth.user_disabled'];

const product = useProduct();
/** Erases users while others work for them. */
let other: Client;
/** Looks on. */
let client: Client;

beforeAll(async () => {
  [other, client] = await Promise.all([product.connect(), product.connect()]);
});

/** A user whom the server knows, and goes on knowing: it is not told that the account goes. */
async function createKnownUser(): Promise<TestUser> {
  const user = await product.createUser();
  await product.request(user, 'GET', '/v1/me');
  return user;
}

const erase = ({ userId }: TestUser) => other.query('delete from users where user_id = $1', [userId]);

/** Has others work while something is not yet decided. */
async function decideLater(change: () => Promise<unknown>, meanwhile: () => Promise<unknown>): Promise<void> {
  await other.query('begin');
  try {
    await change();
    await meanwhile();
    await other.query('commit');
  } finally {
    await other.query('rollback');
  }
}

/** Waits until a statement of the product waits for a lock. */
async function someoneWaits(): Promise<void> {
  await expect.poll(() => countLocked(client)).toBe(1);
}

async function answerOf(response: Response): Promise<unknown[]> {
  const { error } = (await response.json()) as { error?: { code: string } };
  return [response.status, error?.code];
}

/** What the route's example is answered, sent by a user whose account goes while the statement waits. */
async function answerWhileErased(name: string, headers: Record<string, string> = {}): Promise<unknown[]> {
  const user = await createKnownUser();
  const nothing = { sessionId: '', turnId: '', keyId: '', notificationId: '', assistants: {} };
  const example = routeExamples[name] as (resources: Resources) => RouteExample;
  const { method, path, body } = example({ ...nothing, userId: user.userId });
  let response: Promise<Response> | undefined;
  await decideLater(
    () => erase(user),
    async () => {
      response = fetch(product.url + path, {
        method,
        headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      await someoneWaits();
    },
  );
  return await answerOf((await response) as Response);
}

test.each([
  ...['POST /v1/chat/sessions', 'POST /api/:user_id/chat', 'PUT /v1/notifications/preferences'],
  // A path with an id names something that is gone with the account.
  ...Object.keys(listAssistantExamples()).filter((name) => /^(POST|PUT) [^:]+$/.test(name)),
])('%s, under way when the account is erased, finds it gone', async (name) => {
  expect(await answerWhileErased(name)).toEqual(gone);
});

test.each(['POST /v1/chat/sessions', 'POST /api/:user_id/chat', 'POST /v1/chat/completions'])(
  '%s with an Idempotency-Key, under way when the account is erased, finds it gone',
  async (name) => {
    expect(await answerWhileErased(name, { 'idempotency-key': newId() })).toEqual(gone);
  },
);

test('a user who was disabled, which the server has not heard, changes no plan any more', async () => {
  const user = await createKnownUser();
  await other.query('update users set disabled_at = now() where user_id = $1', [user.userId]);
  expect(await answerOf(await product.request(user, 'PUT', '/v1/me/plan', { plan: 'pro' }))).toEqual(gone);
});

test('of requests that share a statement, only that of an account that is gone is refused', async () => {
  const users = await Promise.all(Array.from({ length: 9 }, createKnownUser));
  const create = ({ key }: TestUser) =>
    product.server.http.inject({
      ...{ method: 'POST', url: '/v1/chat/sessions', payload: {} },
      headers: { authorization: `Bearer ${key}` },
    });
  const lost = users[4] as TestUser;
  let answered = 0;
  let answers: ReturnType<typeof create>[] = [];
  await decideLater(
    () => erase(lost),
    async () => {
      answers = users.map((user) => create(user).finally(() => answered++) as ReturnType<typeof create>);
      await someoneWaits();
      // All wait with that one: it is one statement.
      expect(answered).toBe(0);
    },
  );
  const told = (await Promise.all(answers)).map((answer) => [answer.statusCode, answer.json().error?.code]);
  expect(told).toEqual(users.map((user) => (user === lost ? gone : [201, undefined])));
});

test('a message on a WebSocket, under way when the account is erased, finds it gone', async () => {
  const user = await createKnownUser();
  const chat = await connectChat(product.url, { headers: { authorization: `Bearer ${user.key}` } });
  await decideLater(
    () => erase(user),
    async () => {
      chat.send({ type: 'message', content: 'Hello', client_id: 'hello' });
      await someoneWaits();
    },
  );
  const refusal = await chat.until(({ type }) => type === 'error');
  expect(refusal).toMatchObject({ client_id: 'hello', error: { code: 'auth.user_disabled' } });
  chat.socket.close();
});

test('a turn that is answered when the account is erased finds it gone', async () => {
  const user = await createKnownUser();
  let response: Promise<Response> | undefined;
  await decideLater(
    // What the end of a turn writes to, and nothing before it.
    () => other.query('lock table usage_days in share mode'),
    async () => {
      response = product.request(user, 'POST', `/api/${user.userId}/chat`, { message: 'Hello' });
      await someoneWaits();
      await erase(user);
    },
  );
  expect(await answerOf((await response) as Response)).toEqual(gone);
});
