import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch as fetchBy } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  type Ask,
  createClient,
  findNotOnce,
  numberedWrites,
  replayUnanswered,
  startLoad,
} from '../faults/load.ts';
import { connectChat } from '../harness/chat-client.ts';
import { findFreePort } from '../harness/find-free-port.ts';
import { hasNginx, startNginx, type TestNginx } from '../harness/nginx.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { startTestRedis, type TestRedis } from '../harness/redis.ts';
import { followEvents, readEvents, type StreamedEvent } from '../harness/turn-events.ts';
import { until } from '../harness/until.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const text = Array.from({ length: 20 }, (_value, index) => `word${index}`).join(' ');
const WORKERS = 20;
/** How soon the turns of a server that died are marked, and their readers told. */
const DEAD_BOUND_MS = 15_000;

let database: TestDatabase;
let redis: TestRedis;
let provider: StubProvider;
let nginx: TestNginx;
let ports: [number, number];
let servers: [ServerProcess, ServerProcess];
let dataDir: string;
let key: string;

const startServer = (port: number): Promise<ServerProcess> =>
  startServerProcess({
    ...{ PORT: String(port), TRUSTED_PROXIES: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
    ...{ DATABASE_URL: database.url, REDIS_URL: redis.url },
    ...{ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
  });

interface Call {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A request, by way of nginx. */
async function call(path: string, { body, headers }: Call = {}, url = nginx.url): Promise<Response> {
  return await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** A stream by way of nginx, as far as its reader has seen it. */
interface Streamed {
  readonly turn: string;
  readonly seen: StreamedEvent[];
  /** Reads on; answers whether the stream ended as streams do. */
  readOn(): Promise<boolean>;
}

/** Begins a turn; resolves when its reader has seen some words, which nginx did not hold back then. */
async function beginStream(): Promise<Streamed> {
  const { id } = (await (await call('/v1/chat/sessions', { body: {} })).json()) as { id: string };
  const events = followEvents(
    await call(`/v1/chat/sessions/${id}/messages`, { body: { content: 'Hello', stream: true } }),
  );
  const seen: StreamedEvent[] = [];
  while (seen.length < 4) {
    const { value } = await events.next();
    if (value !== undefined) seen.push(value);
  }
  return {
    ...{ seen, turn: `/v1/chat/sessions/${id}/turns/${seen[0]?.data.turn_id}` },
    async readOn() {
      try {
        for await (const event of events) seen.push(event);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Writes that can be told from all others, and as many reads. */
function mix(): () => Ask {
  const write = numberedWrites();
  let asked = 0;
  return () => (++asked % 2 === 0 ? write() : { path: '/v1/chat/sessions?limit=1' });
}

/** Resolves when a server that was started again has answered a request by way of nginx. */
async function isUsed(port: number, logged: number): Promise<void> {
  await until(async () => (await nginx.readLog()).slice(logged).includes(` 127.0.0.1:${port}\n`));
}

const failed = ({ status }: Answer): boolean => status !== 200 && status !== 201;

describe.skipIf(!hasNginx())('two servers behind nginx, with the settings in deploy', () => {
  beforeAll(async () => {
    [database, redis, provider] = await Promise.all([
      createTestDatabase(),
      startTestRedis(),
      startStubProvider({ text }),
    ]);
    dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-fleet-'));
    ports = [await findFreePort(), await findFreePort()];
    servers = [await startServer(ports[0]), await startServer(ports[1])];
    nginx = await startNginx(ports);
    key = await servers[0].readKey();
  });

  afterAll(async () => {
    await nginx?.stop();
    await Promise.all(servers?.map((server) => server.end('SIGKILL')) ?? []);
    await Promise.all([provider?.close(), redis?.stop(), database?.drop()]);
    await rm(dataDir, { recursive: true, force: true });
  });

  it('take a client for who it is, whatever it says of itself', async () => {
    const dispatcher = new Agent({ localAddress: '127.0.0.2' });
    const forged = '203.0.113.9';
    const headers = {
      ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': 'told-apart' },
      ...{ 'x-forwarded-for': forged, forwarded: `for=${forged}` },
    };
    const created = await fetchBy(`${nginx.url}/v1/chat/sessions`, { method: 'POST', headers, body: '{}', dispatcher });
    const { id } = (await created.json()) as { id: string };
    expect(created.headers.get('x-request-id')).toBe('told-apart');
    const { data } = (await (await call('/v1/activity')).json()) as { data: { subject_id: string; ip: string }[] };
    expect(data.find(({ subject_id }) => subject_id === id)?.ip).toBe('127.0.0.2');
    await dispatcher.destroy();
  });

  it('know a request by one id, also when the client sends one that is none', async () => {
    const answers = await Promise.all([
      call('/v1/me', { headers: { 'x-request-id': 'GET /forged 200' } }),
      call('/v1/chat/sessions', {
        headers: { 'x-request-id': 'POST /forged 200' },
        body: { title: 'x'.repeat(1024 * 1024) },
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 413]);
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    await until(async () => {
      const log = await nginx.readLog();
      return ids.every((id) => log.includes(` ${id} `));
    });
    expect(await nginx.readLog()).not.toContain('forged');
  });

  it('log what users look for nowhere', async () => {
    await call('/v1/chat/sessions?q=my-secret-wish', { headers: { 'x-request-id': 'logged-once' } });
    await until(async () => (await nginx.readLog()).includes('logged-once'));
    expect(await nginx.readLog()).not.toContain('my-secret-wish');
  });

  it('refuse what nginx refuses in the same words as what they refuse', async () => {
    const large = 'x'.repeat(17_000);
    const asks: [string, Call, number][] = [
      ['/v1/chat/sessions', { body: { title: 'x'.repeat(1024 * 1024) } }, 413],
      ['/v1/me', { headers: { 'x-large': large } }, 431],
      [`/v1/chat/sessions?q=${large}`, {}, 431],
    ];
    for (const [path, ask, status] of asks) {
      const [refused, direct] = await Promise.all([call(path, ask), call(path, ask, servers[0].url)]);
      expect([refused.status, direct.status]).toEqual([status, status]);
      expect(await refused.json()).toEqual(await direct.json());
    }
    expect((await call('/metrics')).status).toBe(404);
  });

  it('carry WebSockets', async () => {
    provider.setMode('ok', { delayMs: 0 });
    const client = await connectChat(nginx.url, { headers: { authorization: `Bearer ${key}` } });
    client.send({ type: 'message', content: 'Hello', client_id: 'one' });
    const { message } = await client.until(({ type }) => type === 'message.completed');
    expect(message).toMatchObject({ content: text, status: 'complete' });
    client.socket.close();
  });

  it('fail no request while one after the other is stopped and started again; streams end as they should', async () => {
    const send = createClient({ server: nginx, key });
    provider.setMode('ok', { delayMs: 100 });
    const load = startLoad(send, WORKERS, mix());
    for (const [index, port] of ports.entries()) {
      const streams = await Promise.all(Array.from({ length: 6 }, beginStream));
      const reading = Promise.all(streams.map((stream) => stream.readOn()));
      expect(await servers[index]?.end('SIGTERM')).toBe(0);
      expect(await reading).not.toContain(false);
      for (const { seen } of streams) expect(seen.at(-1)).toMatchObject({ event: 'turn.completed' });
      const { length: logged } = await nginx.readLog();
      servers[index] = await startServer(port);
      await isUsed(port, logged);
    }
    await load.stop();
    expect(load.answers.filter(failed)).toEqual([]);
    expect(load.answers.length).toBeGreaterThan(500);
    expect(
      await findNotOnce(
        send,
        load.answers.filter(({ ask }) => ask.method === 'POST'),
      ),
    ).toEqual([]);
  }, 120_000);

  it('lose, when one is killed under load, only what was in flight on it; its streams are read on at the other', async () => {
    const send = createClient({ server: nginx, key });
    provider.setMode('ok', { delayMs: 200 });
    const streams = await Promise.all(Array.from({ length: 8 }, beginStream));
    const reading = Promise.all(streams.map((stream) => stream.readOn()));
    const load = startLoad(send, WORKERS, mix());
    await sleep(700);
    const killedAtMs = performance.now();
    await servers[1].end('SIGKILL');
    const deadAtMs = performance.now();
    await sleep(1_000);
    await load.stop();

    const lost = load.answers.filter(failed);
    expect(lost.length).toBeLessThanOrEqual(WORKERS);
    for (const answer of lost) {
      expect(answer).toMatchObject({ status: 503, ask: { method: 'POST' }, retryAfterSeconds: 1 });
      expect([answer.sentAtMs < deadAtMs, answer.answeredAtMs > killedAtMs]).toEqual([true, true]);
    }
    expect(load.answers.filter(({ sentAtMs }) => sentAtMs > deadAtMs).length).toBeGreaterThan(WORKERS);
    const writes = load.answers.filter(({ ask }) => ask.method === 'POST');
    await replayUnanswered(send, writes);
    expect(await findNotOnce(send, writes)).toEqual([]);

    const ended = await reading;
    const survived = streams.filter((_stream, index) => ended[index]);
    const broken = streams.filter((_stream, index) => !ended[index]);
    expect([survived.length > 0, broken.length > 0]).toEqual([true, true]);
    for (const { seen } of survived) {
      const [message, last] = seen.slice(-2);
      expect([message?.data.message.content, last?.event]).toEqual([text, 'turn.completed']);
    }
    const rests = broken.map(async ({ turn, seen }) => {
      const headers = { 'last-event-id': String(seen.at(-1)?.id) };
      return [...seen, ...readEvents(await (await call(`${turn}/events`, { headers })).text())];
    });
    for (const events of await Promise.all(rests)) {
      expect(events.map(({ id }) => id)).toEqual(events.map((_event, index) => index + 1));
      expect(events.at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'chat.turn_interrupted' } } });
    }
    expect(performance.now() - deadAtMs).toBeLessThan(DEAD_BOUND_MS + 1_000);
    servers[1] = await startServer(ports[1]);
  }, 90_000);
});
