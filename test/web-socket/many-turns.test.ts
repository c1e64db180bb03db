import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type ChatClient, connectChat } from '../harness/chat-client.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';

/** One less than a socket may follow. */
const TURNS = 15;

/** Some 600 kB, which all events of a turn's start hold: together far more than the system keeps for a connection. */
const longQuestion = '你'.repeat(195_000);

const { product } = useProductWithModel();
let user: TestUser;
let client: ChatClient;

beforeAll(async () => {
  user = await product.createUser();
  client = await connectChat(product.url, { headers: { authorization: `Bearer ${user.key}` } });
});

afterAll(async () => {
  client?.socket.terminate();
});

const createSession = () => product.createSession(user);

async function answerLongQuestion(): Promise<string> {
  const path = `/v1/chat/sessions/${await createSession()}/messages`;
  const response = await product.request(user, 'POST', path, { content: longQuestion });
  return ((await response.json()) as { turn_id: string }).turn_id;
}

async function countMessages(sessionId: string): Promise<number> {
  const response = await product.request(user, 'GET', `/v1/chat/sessions/${sessionId}/messages`);
  return ((await response.json()) as { data: unknown[] }).data.length;
}

it('many turns that are resumed at once are told at the pace of a slow reader, who stays connected', async () => {
  const turnIds = await Promise.all(Array.from({ length: TURNS }, answerLongQuestion));
  const sessionId = await createSession();
  client.socket.pause();
  for (const turn_id of turnIds) client.send({ type: 'resume', turn_id });
  client.send({ type: 'message', session_id: sessionId, content: 'Hello', client_id: newId() });
  // Frames are worked on one after the other: by then, all turns are followed.
  await vi.waitFor(async () => expect(await countMessages(sessionId)).toBe(2), { timeout: 20_000 });

  client.socket.resume();
  await client.until(({ type, session_id }) => type === 'turn.completed' && session_id === sessionId);
  for (const turnId of turnIds) {
    await client.until(({ type, turn_id }) => type === 'turn.completed' && turn_id === turnId);
    const ids = client.frames.filter(({ type, turn_id }) => type !== 'ack' && turn_id === turnId).map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => index + 1));
  }
});
