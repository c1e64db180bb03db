import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { countLocked } from '../harness/count-locked.ts';
import { type TestUser, useProduct } from '../harness/product.ts';
import { until } from '../harness/until.ts';

const product = useProduct();
let admin: Client;
/** Of what is held. */
let holder: Client;
let user: TestUser;

beforeAll(async () => {
  user = await product.createUser();
  [admin, holder] = await Promise.all([product.connect(), product.connect()]);
});

const createSession = () => product.createSession(user);

/** Holds a session's row meanwhile, so that whoever writes to it waits. */
async function whileLocked<Result>(sessionId: string, work: () => Promise<Result>): Promise<Result> {
  await holder.query('begin');
  await holder.query('select from chat_sessions where id = $1 for update', [sessionId]);
  try {
    return await work();
  } finally {
    await holder.query('rollback');
  }
}

async function post(path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(product.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function readHistory(sessionId: string): Promise<unknown[]> {
  const response = await product.request(user, 'GET', `/v1/chat/sessions/${sessionId}/messages`);
  const { data } = (await response.json()) as { data: { role: string; status: string }[] };
  return data.map(({ role, status }) => [role, status]);
}

const answered = [
  ['user', 'complete'],
  ['assistant', 'complete'],
];

const ways: [string, (sessionId: string) => [string, object]][] = [
  ['a message', (id) => [`/v1/chat/sessions/${id}/messages`, { content: 'Hi' }]],
  ['a streamed message', (id) => [`/v1/chat/sessions/${id}/messages`, { content: 'Hi', stream: true }]],
  ['a chat', (id) => [`/api/${user.userId}/chat`, { message: 'Hi', conversation_id: id }]],
];

describe.each(ways)('%s whose time ends while it is being stored', (_way, requestOf) => {
  test('is told so in time, and not to send it again, and is answered all the same', async () => {
    const sessionId = await createSession();
    const response = await whileLocked(sessionId, () =>
      post(...requestOf(sessionId), { 'x-request-timeout-ms': '300' }),
    );
    expect(response.status).toBe(503);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.json()).toMatchObject({ error: { code: 'http.deadline_exceeded' } });
    await expect.poll(() => readHistory(sessionId)).toEqual(answered);
  });

  test('is sent again with its key, and answered once', async () => {
    const sessionId = await createSession();
    const key = { 'idempotency-key': newId() };
    const response = await whileLocked(sessionId, () =>
      post(...requestOf(sessionId), { ...key, 'x-request-timeout-ms': '300' }),
    );
    expect(response.status).toBe(503);
    expect(response.headers.get('x-should-retry')).toBe(null);
    await expect.poll(() => readHistory(sessionId)).toEqual(answered);
    const again = await post(...requestOf(sessionId), key);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(await readHistory(sessionId)).toEqual(answered);
  });
});

test.each(ways)(
  '%s that is sent again with its key after its session was deleted is told so',
  async (_way, requestOf) => {
    const sessionId = await createSession();
    const key = { 'idempotency-key': newId() };
    await (await post(...requestOf(sessionId), key)).text();
    await expect.poll(() => readHistory(sessionId)).toEqual(answered);
    await product.request(user, 'DELETE', `/v1/chat/sessions/${sessionId}`);
    const again = await post(...requestOf(sessionId), key);
    expect([again.status, await again.json()]).toMatchObject([404, { error: { code: 'chat.session_not_found' } }]);
  },
);

/** Creates a session whose only message was not answered. */
async function createFailedTurn(): Promise<{ sessionId: string; retryPath: string }> {
  const sessionId = await createSession();
  const turnId = newId();
  await admin.query(
    `with session as (update chat_sessions set message_count = 1 where id = $2),
        turn as (insert into chat_turns (user_id, id, session_id, status, owner, model, question_seq)
          values ($1, $3, $2, 'failed', $3, 'offline', 1))
      insert into chat_messages (user_id, session_id, seq, id, turn_id, role, content, created_at)
      values ($1, $2, 1, $3, $3, 'user', 'Hi', now())`,
    [user.userId, sessionId, turnId],
  );
  return { sessionId, retryPath: `/v1/chat/sessions/${sessionId}/turns/${turnId}/retry` };
}

test('a retry that is sent several times at once with one key starts one turn, of which all are told', async () => {
  const { sessionId, retryPath } = await createFailedTurn();
  const key = { 'idempotency-key': newId() };
  const retry = () => post(retryPath, { stream: true }, key);
  const retries = await whileLocked(sessionId, async () => {
    const sent = [retry(), retry(), retry()];
    await until(async () => (await countLocked(admin)) === sent.length);
    return sent;
  });
  const responses = await Promise.all(retries);
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
  const replayed = responses.map(({ headers }) => headers.get('idempotent-replayed'));
  expect(replayed.filter((value) => value === 'true')).toHaveLength(2);
  const started = await Promise.all(
    responses.map(async (response) => /"turn_id":"([^"]+)"/.exec(await response.text())?.[1]),
  );
  expect(new Set(started).size).toBe(1);
  expect(started[0]).toBeDefined();
  await expect.poll(() => readHistory(sessionId)).toEqual(answered);
});

test('a retry that waits for the session behind a new message is refused', async () => {
  const { sessionId, retryPath } = await createFailedTurn();
  const sent = await whileLocked(sessionId, async () => {
    const message = post(`/v1/chat/sessions/${sessionId}/messages`, { content: 'More' });
    await until(async () => (await countLocked(admin)) === 1);
    const retry = post(retryPath, {});
    await until(async () => (await countLocked(admin)) === 2);
    return [message, retry];
  });
  const [message, retry] = await Promise.all(sent);
  expect(message?.status).toBe(200);
  expect(await retry?.json()).toMatchObject({ error: { code: 'chat.turn_not_retryable' } });
  expect(await readHistory(sessionId)).toEqual([['user', 'complete'], ...answered]);
});

test('a turn is not retried by way of another session', async () => {
  const [own, other] = [await createFailedTurn(), await createFailedTurn()];
  const wrong = await post(own.retryPath.replace(own.sessionId, other.sessionId), {});
  expect([wrong.status, await wrong.json()]).toMatchObject([404, { error: { code: 'chat.turn_not_found' } }]);
  expect((await post(own.retryPath, {})).status).toBe(200);
});
