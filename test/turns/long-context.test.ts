import type { Client } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type NewTurn, startTurns } from '../../src/core/chat/turns/start/queries.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

/** Bytes of the history that are read at most: four for each of the characters that the model is told at most. */
const MAX_BYTES = 1_600_000;

const { product, provider } = useProductWithModel({ text: 'Yes.' });
let client: Client;
let user: TestUser;

beforeAll(async () => {
  user = await product.createUser();
  client = await product.connect();
});

/** A stored message: a word, and how often it is said. */
interface Stored {
  readonly role?: 'user' | 'assistant';
  readonly status?: 'complete' | 'incomplete';
  readonly text: string;
  readonly times?: number;
  /** How long the answer of a tool was. */
  readonly resultChars?: number;
}

async function storeMessages(messages: readonly Stored[]): Promise<string> {
  const sessionId = newId();
  await client.query('insert into chat_sessions (user_id, id, message_count) values ($1, $2, $3)', [
    user.userId,
    sessionId,
    messages.length,
  ]);
  await client.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, status, content, tool_calls, created_at)
      select $1, $2, seq, gen_random_uuid(), role, status, repeat(text, times), case when result_chars > 0 then json_build_array(
          json_build_object('id', 'a', 'name', 'look', 'step', 0, 'arguments', '{}'::json, 'result', repeat('r', result_chars),
            'is_error', false)) end, now()
      from unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[]) with ordinality
        as message (role, status, text, times, result_chars, seq)`,
    [
      user.userId,
      sessionId,
      messages.map(({ role = 'user' }) => role),
      messages.map(({ status = 'complete' }) => status),
      messages.map(({ text }) => text),
      messages.map(({ times = 1 }) => times),
      messages.map(({ resultChars = 0 }) => resultChars),
    ],
  );
  return sessionId;
}

const heavy: readonly [string, Stored][] = [
  ['contents', { text: '😀', times: 200_000 }],
  ['tool calls', { role: 'assistant', text: 'There.', resultChars: 800_000 }],
  ['unfinished answers', { role: 'assistant', status: 'incomplete', text: 'no', times: 400_000 }],
];

describe('a new message to a session of the largest', () => {
  test.each(heavy)('%s reads no more of them than the model can be told', async (_of, message) => {
    const sessionId = await storeMessages(Array(50).fill(message));
    const ids = { turnId: newId(), messageId: newId(), activityId: newId(), sessionActivityId: newId() };
    const key = { idempotencyKey: null, fingerprint: null, keyId: null, ip: null };
    const session = { userId: user.userId, sessionId, isNewSession: false, assistant: null };
    const turn: NewTurn = { ...ids, ...key, ...session, content: 'Hi', defaultModel: 'm', owner: newId() };
    const [started] = await product.postgres.query(startTurns([turn]), testContext());
    const { length } = Buffer.from(JSON.stringify(started?.history));
    expect(length).toBeLessThan(MAX_BYTES * 1.01);
    // Of answers that were left and given again, only the last is told.
    expect(length).toBeGreaterThan(message.status === 'incomplete' ? 800_000 : MAX_BYTES / 2);
  });
});

/** The messages that the model was told last, each by its first two characters; but not that there was no answer to one. */
function told(): string[] {
  const messages = provider.requests.at(-1)?.body.messages as { content: string }[] | undefined;
  return (messages ?? []).map(({ content }) => content.slice(0, 2)).filter((content) => content !== '(n');
}

describe('the model is told', () => {
  const ask = async (sessionId: string) =>
    await product.request(user, 'POST', `/v1/chat/sessions/${sessionId}/messages`, { content: '??' });

  test('all of the latest messages that fit, in an alphabet whose characters take three bytes each', async () => {
    const session = await storeMessages(['一一', '二二', '三三', '四四'].map((text) => ({ text, times: 66_000 })));
    expect((await ask(session)).status).toBe(200);
    expect(told()).toEqual(['二二', '三三', '四四', '??']);
  });

  test('what was said before an answer that was left unfinished, however long, and given again', async () => {
    const session = await storeMessages([
      { text: 'q1' },
      { role: 'assistant', text: 'a1' },
      { text: 'q2' },
      { role: 'assistant', status: 'incomplete', text: 'no', times: 500_000 },
      { role: 'assistant', status: 'incomplete', text: 'no', times: 500_000 },
      { role: 'assistant', text: 'a2' },
      { text: 'q3' },
      { role: 'assistant', status: 'incomplete', text: 'a3' },
    ]);
    expect((await ask(session)).status).toBe(200);
    expect(told()).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3', '??']);
  });

  test('the fifty messages before the one to answer, also when that is answered again', async () => {
    const stored = Array.from({ length: 60 }, (_, index) => ({ text: String(index + 10) }));
    const session = await storeMessages(stored);
    const expected = [...stored.slice(10).map(({ text }) => text), '??'];
    provider.setMode('401');
    expect((await ask(session)).status).toBe(502);
    expect(told()).toEqual(expected);
    provider.setMode('ok');
    const { rows } = await client.query('select id from chat_turns where session_id = $1', [session]);
    const path = `/v1/chat/sessions/${session}/turns/${rows[0].id}/retry`;
    expect((await product.request(user, 'POST', path, {})).status).toBe(200);
    expect(told()).toEqual(expected);
  });
});
