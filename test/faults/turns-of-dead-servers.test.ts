import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { followEvents, readEvents, type StreamedEvent } from '../harness/turn-events.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';
import { createClient, findLostAndDoubled, findNotOnce, numberedWrites, replayUnanswered, startLoad } from './load.ts';

const text = Array.from({ length: 20 }, (_value, index) => `word${index}`).join(' ');
/** How soon a turn whose server died is marked, and its readers are told: 15 s, and what a busy machine adds. */
const DEAD_BOUND_MS = 15_000 + 10_000;
/** Turns, and writers, that a server has at once when it is killed. */
const IN_FLIGHT = 25;

let database: TestDatabase;
let provider: StubProvider;
let dataDir: string;
let key: string;
/** The one that is hurt, and the one that is not. */
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  [database, provider] = await Promise.all([createTestDatabase(), startStubProvider({ text })]);
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-turns-'));
  second = await startServer();
  first = await startServer();
  key = await first.readKey();
}, 60_000);

beforeEach(() => provider.setMode('ok', { delayMs: 100 }));

afterAll(async () => {
  await Promise.all([first?.end('SIGKILL'), second?.end('SIGKILL')]);
  await provider?.close();
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

const startServer = () =>
  startServerProcess({
    ...{ DATA_DIR: dataDir, DATABASE_URL: database.url, MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
    LOG_LEVEL: 'warn',
  });

interface Call {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function call(server: ServerProcess, path: string, { body, headers }: Call = {}): Promise<Response> {
  return await fetch(server.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function createSession(): Promise<string> {
  return ((await (await call(second, '/v1/chat/sessions', { body: {} })).json()) as { id: string }).id;
}

/** A turn that has begun, as far as a reader has seen it. */
interface Begun {
  readonly session: string;
  readonly turn: string;
  readonly seen: StreamedEvent[];
  /** Reads on until the stream ends or breaks. */
  readOn(): Promise<void>;
}

/** Begins a turn on the first server; resolves when its reader has seen some words. */
async function begin(headers: Record<string, string> = {}): Promise<Begun> {
  const session = await createSession();
  const body = { content: 'Hello', stream: true };
  const events = followEvents(await call(first, `/v1/chat/sessions/${session}/messages`, { body, headers }));
  const seen: StreamedEvent[] = [];
  while (seen.length < 4) {
    const { value } = await events.next();
    if (value !== undefined) seen.push(value);
  }
  return {
    ...{ session, seen, turn: `/v1/chat/sessions/${session}/turns/${seen[0]?.data.turn_id}` },
    async readOn() {
      for await (const event of events) seen.push(event);
    },
  };
}

async function readOnAt(server: ServerProcess, { turn, seen }: Begun): Promise<StreamedEvent[]> {
  const headers = { 'last-event-id': String(seen.at(-1)?.id) };
  return readEvents(await (await call(server, `${turn}/events`, { headers })).text());
}

const readTurn = async ({ turn }: Begun) => (await (await call(second, turn)).json()) as Record<string, unknown>;

async function readMessages({ session }: Begun) {
  const page = (await (await call(second, `/v1/chat/sessions/${session}/messages`)).json()) as {
    data: { role: string; status: string; content: string }[];
  };
  return page.data;
}

it('a stream goes on at another server from the event that was seen last, none lost and none told twice', async () => {
  const turn = await begin();
  const rest = await readOnAt(second, turn);
  const all = readEvents(await (await call(first, `${turn.turn}/events`)).text());
  expect([...turn.seen, ...rest]).toEqual(all);
  expect(all.at(-2)?.data.message).toMatchObject({ content: text, status: 'complete' });
});

it('the same message with the same key joins the stream at another server', async () => {
  const headers = { 'idempotency-key': newId() };
  const turn = await begin(headers);
  const body = { content: 'Hello', stream: true };
  const joined = await call(second, `/v1/chat/sessions/${turn.session}/messages`, { body, headers });
  expect(joined.headers.get('idempotent-replayed')).toBe('true');
  const [events] = await Promise.all([joined.text().then(readEvents), turn.readOn()]);
  expect(events).toEqual(turn.seen);
  expect(await readMessages(turn)).toHaveLength(2);
});

it('a turn is stopped by way of another server', async () => {
  const turn = await begin();
  const [stopped] = await Promise.all([call(second, `${turn.turn}/stop`, { body: {} }), turn.readOn()]);
  expect(await stopped.json()).toMatchObject({ status: 'stopped' });
  expect(turn.seen.at(-1)).toMatchObject({ event: 'turn.completed', data: { status: 'stopped' } });
  const written = (await readMessages(turn))[1];
  expect(written?.status).toBe('incomplete');
  expect(text.startsWith(written?.content ?? '-')).toBe(true);
});

/** That a turn which its server's death interrupted is marked so, is there once, and is answered by a retry. */
async function expectInterrupted(turn: Begun, headers: Record<string, string>): Promise<void> {
  expect(await readTurn(turn)).toMatchObject({ status: 'interrupted', error_code: 'chat.turn_interrupted' });
  const body = { content: 'Hello', stream: true };
  const again = await call(second, `/v1/chat/sessions/${turn.session}/messages`, { body, headers });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(readEvents(await again.text())[0]).toEqual(turn.seen[0]);
  const [question, partial, ...others] = await readMessages(turn);
  expect([question?.status, partial?.status, others]).toEqual(['complete', 'incomplete', []]);
  expect(partial?.content.startsWith('word0 word1')).toBe(true);
  // All turns are tried again at once: on a busy machine some are told to come back in a moment.
  const retry = async () => (await call(second, `${turn.turn}/retry`, { body: {} })).json();
  await expect.poll(retry, { timeout: 30_000 }).toMatchObject({ content: text, status: 'complete' });
}

// Each of the turns and of the writers is killed at a moment of its own: fifty of both in two rounds.
it('what a server was at when it was killed: turns are marked within 15 s with what was written, their readers are told, a retry answers; writes are there once', async () => {
  for (let round = 0; round < 2; round++) {
    provider.setMode('ok', { delayMs: 1_000 });
    const keys = Array.from({ length: IN_FLIGHT }, () => ({ 'idempotency-key': newId() }));
    const turns = await Promise.all(keys.map(begin));
    const reading = turns.map((turn) => readOnAt(second, turn));
    const titles = numberedWrites(`round ${round}`);
    const load = startLoad(createClient({ server: first, key }), IN_FLIGHT, titles);
    // By then what was written so far is stored.
    await sleep(400);
    await expect.poll(() => load.answers.some(({ status }) => status === 201), { timeout: 10_000 }).toBe(true);
    const killedMs = performance.now();
    await first.end('SIGKILL');
    await load.stop();
    for (const events of await Promise.all(reading)) {
      expect(events.at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'chat.turn_interrupted' } } });
    }
    expect(performance.now() - killedMs).toBeLessThan(DEAD_BOUND_MS);

    provider.setMode('ok', { delayMs: 0 });
    await Promise.all(turns.map((turn, index) => expectInterrupted(turn, keys[index] ?? {})));
    const survivor = createClient({ server: second, key });
    expect(load.answers.filter(({ status }) => status === 0).length).toBeGreaterThan(0);
    expect(await findLostAndDoubled(survivor, load.answers)).toEqual({ lost: [], doubled: [] });
    await replayUnanswered(survivor, load.answers);
    expect(await findNotOnce(survivor, load.answers)).toEqual([]);
    first = await startServer();
  }
}, 120_000);

it('a server that was stopped for so long that its turn was taken from it cannot write to it any more', async () => {
  provider.setMode('ok', { delayMs: 1_000 });
  const turn = await begin();
  const reading = turn.readOn();
  first.child.kill('SIGSTOP');
  await expect.poll(async () => (await readTurn(turn)).status, { timeout: DEAD_BOUND_MS }).toBe('interrupted');
  const before = await readMessages(turn);
  first.child.kill('SIGCONT');
  await reading;
  expect(turn.seen.at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'chat.turn_lost' } } });
  expect(await readMessages(turn)).toEqual(before);
  expect(await readTurn(turn)).toMatchObject({ status: 'interrupted', answer_seq: 2 });
}, 60_000);
