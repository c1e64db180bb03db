import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { followEvents } from '../harness/turn-events.ts';
import { until } from '../harness/until.ts';
import type { StubMode } from '../stubs/provider.ts';

const { product, provider } = useProductWithModel();
let user: TestUser;
let admin: Client;
/** Of the deletion that is under way. */
let holder: Client;

beforeAll(async () => {
  [admin, holder] = await Promise.all([product.connect(), product.connect()]);
});

beforeEach(async () => {
  user = await product.createUser();
});

/** Has the model answer, runs `then` when it has begun to, and answers with the last event. */
async function answerAnd(then: (path: string) => Promise<unknown>): Promise<unknown> {
  const path = `/v1/chat/sessions/${await product.createSession(user)}`;
  const response = await product.request(user, 'POST', `${path}/messages`, { content: 'Hello', stream: true });
  let hasBegun = false;
  let last: unknown;
  for await (const { event, data } of followEvents(response)) {
    last = data;
    if (event !== 'message.delta' || hasBegun) continue;
    hasBegun = true;
    await then(path);
  }
  return last;
}

const deleteSession = async (path: string) => expect((await product.request(user, 'DELETE', path)).status).toBe(200);

async function readUsage() {
  const usage = await product.request(user, 'GET', '/v1/me/usage');
  return (
    (await usage.json()) as {
      data: { model: string; requests: number; prompt_tokens: number; completion_tokens: number }[];
    }
  ).data;
}

/** Longer than uses are gathered before they are stored. */
const GATHERED_MS = 500;

async function expectCountedOnce(): Promise<void> {
  await expect.poll(readUsage).not.toEqual([]);
  await sleep(GATHERED_MS);
  const usage = await readUsage();
  expect(usage).toMatchObject([{ model: 'stub-model', requests: 1 }]);
  expect(usage[0]?.completion_tokens).toBeGreaterThan(0);
  expect(usage[0]?.completion_tokens).toBeLessThan(150);
}

test('a turn whose session is deleted while the model writes is counted once, as far as it came', async () => {
  provider.setMode('ok', { text: 'word '.repeat(200), delayMs: 20 });
  expect(await answerAnd(deleteSession)).toMatchObject({ error: { code: 'chat.session_not_found' } });
  await expectCountedOnce();
});

test.each<[string, StubMode, string]>([
  ['completes', 'ok', 'chat.session_not_found'],
  ['fails', 'truncated', 'models.bad_response'],
])('a turn that %s as its session is deleted is counted once', async (_how, mode, code) => {
  provider.setMode(mode, { text: 'word '.repeat(10), delayMs: 20 });
  const last = await answerAnd(async (path) => {
    await holder.query('begin');
    await holder.query('delete from chat_sessions where id = $1', [path.split('/').at(-1)]);
    await until(async () => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%chat.end_turns%'
          and datname = current_database()`,
      );
      return rows.length > 0;
    });
    await holder.query('commit');
  });
  expect(last).toMatchObject({ error: { code } });
  await expectCountedOnce();
});

test('a turn whose session is deleted before the model has said anything is counted once: what the model was told', async () => {
  provider.setMode('no-first-byte');
  const path = `/v1/chat/sessions/${await product.createSession(user)}`;
  const asked = provider.requests.length;
  const live = product.request(user, 'POST', `${path}/messages`, { content: 'Hello' });
  await until(() => provider.requests.length > asked);
  await deleteSession(path);
  expect((await live).status).toBe(404);
  await expect.poll(readUsage).not.toEqual([]);
  await sleep(GATHERED_MS);
  const usage = await readUsage();
  expect(usage).toMatchObject([{ model: 'stub-model', requests: 1, completion_tokens: 0 }]);
  expect(usage[0]?.prompt_tokens).toBeGreaterThan(0);
});

test('a turn whose account goes, too, is not counted, and ends all the same', async () => {
  provider.setMode('ok', { text: 'word '.repeat(200), delayMs: 20 });
  const erase = sql`
    -- test.erase_user
    delete from users where user_id = ${user.userId}`;
  const last = await answerAnd(() => product.postgres.query(erase, testContext()));
  expect(last).toMatchObject({ error: { code: 'auth.user_disabled' } });
});
