import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { type ChatClient, connectChat, type OutFrame } from '../harness/chat-client.ts';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { writeTestFile } from '../harness/write-test-file.ts';

const plansFile = writeTestFile('plans.yaml', 'few: { requests: { day: 5 } }');
// There are turns that never end.
const { product, provider } = useProductWithModel({}, { PLANS_FILE: plansFile, DRAIN_TIMEOUT_MS: '500' });
const clients: ChatClient[] = [];

afterEach(() => {
  provider.setMode('ok');
  for (const { socket } of clients.splice(0)) socket.terminate();
});

/** A user on a plan, past the server. */
async function createUserOn(plan: string): Promise<TestUser> {
  const user = await product.createUser();
  const update = sql`
    -- test.put_on_plan
    update users set plan = ${plan} where user_id = ${user.userId}`;
  await product.postgres.query(update, testContext());
  return user;
}

async function connect({ key }: TestUser): Promise<ChatClient> {
  const client = await connectChat(product.url, { headers: { authorization: `Bearer ${key}` } });
  clients.push(client);
  return client;
}

/** Sends messages that are named by their number, from one to another. */
function sendMessages(client: ChatClient, from: number, to: number): void {
  for (let number = from; number <= to; number++)
    client.send({ type: 'message', client_id: `${number}`, content: 'Hello' });
}

const isAnswer = ({ type }: OutFrame) => type === 'ack' || type === 'error';

/** What a frame is answered: `ack`, or the code of an error. */
async function answerTo(client: ChatClient, name: string): Promise<string> {
  const { type, error } = await client.until((frame) => frame.client_id === name && isAnswer(frame));
  return error?.code ?? type;
}

/** The same of messages, from the first to the one with this number. */
async function answersUpTo(client: ChatClient, last: number): Promise<string[]> {
  const answers: string[] = [];
  for (let number = 1; number <= last; number++) answers.push(await answerTo(client, `${number}`));
  return answers;
}

it('each frame counts as a request: those over the limit are refused, and nothing else', async () => {
  const client = await connect(await createUserOn('few'));
  sendMessages(client, 1, 8);
  expect(await answersUpTo(client, 8)).toEqual([...Array(5).fill('ack'), ...Array(3).fill('limits.requests_exceeded')]);
  const refused = client.frames.find(({ client_id, type }) => client_id === '8' && type === 'error');
  expect(refused?.retry_after_ms).toBeGreaterThan(0);
  client.send({ type: 'ping', client_id: 'ping' });
  await client.until(({ type, client_id }) => type === 'pong' && client_id === 'ping');
});

it('the events of 16 turns go out on a connection; one more is refused until one of them has ended', async () => {
  provider.setMode('headers-only');
  const user = await createUserOn('unlimited');
  const client = await connect(user);
  sendMessages(client, 1, 17);
  expect(await answersUpTo(client, 17)).toEqual([...Array(16).fill('ack'), 'chat.too_many_turns']);
  const [{ turn_id } = { turn_id: '' }] = client.frames;
  client.send({ type: 'resume', turn_id, client_id: 'resume' });
  expect(await answerTo(client, 'resume')).toBe('chat.too_many_turns');
  client.send({ type: 'stop', turn_id, client_id: 'stop' });
  await client.until((frame) => frame.type === 'turn.completed' && frame.turn_id === turn_id);
  sendMessages(client, 18, 18);
  expect(await answerTo(client, '18')).toBe('ack');
});

/** Has sessions neither read nor written until the test says so. */
async function holdSessions(): Promise<() => Promise<void>> {
  const client = await product.connect();
  await client.query('begin; lock table chat_sessions');
  return () => client.end();
}

it.each([
  ['100 frames', 50, ''],
  ['2 MiB', 1, ' '.repeat(1_000_000)],
])('a client that sends on while %s wait for those before them is disconnected', async (_bound, half, padding) => {
  const client = await connect(await createUserOn('unlimited'));
  const release = await holdSessions();
  const send = (name: string) =>
    client.socket.send(`${padding}{"type":"message","client_id":"${name}","content":"Hello"}`);
  const sendHalf = async (name: string) => {
    for (let number = 1; number <= half; number++) send(name);
    // A ping does not wait: its answer tells that all before it were read.
    client.send({ type: 'ping', client_id: name });
    await client.until(({ type, client_id }) => type === 'pong' && client_id === name);
  };
  try {
    await sendHalf('first');
    // More than 100 in one second would be a flood, whether they wait or not.
    await sleep(1_100);
    await sendHalf('second');
    expect(client.frames.filter(isAnswer)).toEqual([]);
    send('third');
    expect(await client.closed()).toBe(1008);
    const refusal = { type: 'error', client_id: 'third', error: { code: 'chat.too_many_frames' } };
    expect(client.frames.filter(isAnswer)).toMatchObject([refusal]);
  } finally {
    await release();
  }
});

it('a client that sends more than 4 MiB in a second is disconnected, though none of its frames waits', async () => {
  const client = await connect(await createUserOn('unlimited'));
  for (let number = 1; number <= 20; number++) client.socket.send(`${' '.repeat(1_000_000)}{"type":"ping"}`);
  expect(await client.closed()).toBe(1008);
  expect(client.frames.filter(({ type }) => type !== 'pong')).toEqual([]);
});

it('all fields of what answers a frame are in the document, those of a sign-in and of a limit too', async () => {
  const { paths } = (await (await fetch(`${product.url}/openapi.json`)).json()) as {
    paths: { '/v1/chat/ws': { get: { description: string } } };
  };
  const { key } = await createUserOn('few');
  const client = await connectChat(product.url);
  clients.push(client);
  client.send({ type: 'auth', token: key, client_id: 'sign-in' });
  sendMessages(client, 1, 6);
  await client.until(({ error }) => error?.code === 'limits.requests_exceeded');
  const answers = client.frames.filter(({ type }) => type === 'ack' || type === 'error');
  const fields = [...new Set(answers.flatMap((frame) => Object.keys(frame)))];
  expect(fields).toEqual(expect.arrayContaining(['user_id', 'turn_id', 'retry_after_ms']));
  const told = paths['/v1/chat/ws'].get.description;
  expect(fields.filter((field) => !told.includes(`"${field}"`))).toEqual([]);
});
