import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { connectRaw, createTestServer, listen, type TestServer } from '../../../test/harness/http-server.ts';
import { drain } from './drain.ts';
import type { OpenWebSocket } from './open-web-socket.ts';
import type { HttpServer } from './server.ts';

let server: HttpServer;
let port: number;
/** The log line of a request. */
let lineOf: TestServer['lineOf'];
/** The server's ends of the connections, in the order in which they were opened. */
let opened: OpenWebSocket[];
let busy: boolean;
let heartbeats: number;
let admit: () => Promise<void>;

async function start(): Promise<void> {
  opened = [];
  busy = false;
  heartbeats = 0;
  admit = async () => {};
  const made = createTestServer((http) => {
    const config = { access: 'public' };
    http.get('/short', { config }, async () => ({ a: 1 }));
    http.get('/plain', { config }, () => sleep(1_500, { a: 1 }));
    const body = Type.Object({ a: Type.Number() }, { additionalProperties: false });
    http.post('/plain', { config, schema: { body } }, (request) => sleep(1_500, request.body));
    http.addWebSocketRoute('/echo', {
      schema: {},
      admit: () => admit(),
      open: (socket) => {
        opened.push(socket);
        socket.user = {
          get isBusy() {
            return busy;
          },
          onFrame: (bytes) => void socket.send({ echo: Buffer.from(bytes).toString() }),
          onHeartbeat: () => {
            heartbeats++;
          },
          onClosed: () => {},
        };
      },
    });
  });
  ({ server, lineOf } = made);
  port = await listen(server);
}

afterEach(async () => {
  vi.useRealTimers();
  for (const socket of opened) socket.cut();
  await server.close();
});

async function connect(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

const codeOf = async (socket: WebSocket): Promise<number> => (await once(socket, 'close'))[0];

async function expectEcho(socket: WebSocket): Promise<void> {
  socket.send('hello');
  const [data] = await once(socket, 'message');
  expect(String(data)).toBe('{"echo":"hello"}');
}

describe('what a client does wrong closes its connection, and no other:', () => {
  it.each([
    ['a frame over 1 MiB', 1009, (socket: WebSocket) => socket.send('x'.repeat(1024 * 1024 + 1))],
    ['a frame of 100 MB', 1009, (socket: WebSocket) => socket.send('x'.repeat(100_000_000))],
    ['text that is not UTF-8', 1007, (socket: WebSocket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false })],
    ['a binary frame', 1003, (socket: WebSocket) => socket.send(Buffer.from('{}'), { binary: true })],
    ['a flood', 1008, (socket: WebSocket) => Array.from({ length: 500 }, () => socket.send('hello'))],
  ])('%s with %d', async (_name, code, harm) => {
    await start();
    const bystander = await connect();
    const socket = await connect();
    harm(socket);
    const told = code === 1009 ? 'A frame may have at most 1048576 bytes.' : expect.any(String);
    expect((await once(socket, 'close')).map(String)).toEqual([String(code), told]);
    await expectEcho(bystander);
  });

  it('reading too slowly with 1013, when more than 1 MiB is queued and not before', async () => {
    await start();
    const connected = once(server.server, 'connection') as Promise<[Socket]>;
    const socket = await connect();
    const [connection] = await connected;
    socket.pause();
    const [ours] = opened as [OpenWebSocket];
    let queuedBytes = 0;
    while (ours.isOpen) {
      queuedBytes = connection.writableLength;
      expect(queuedBytes).toBeLessThan(1024 * 1024 + 11_000);
      void ours.send({ text: 'x'.repeat(10_000) });
    }
    expect(queuedBytes).toBeGreaterThan(1024 * 1024);
    socket.resume();
    expect(await codeOf(socket)).toBe(1013);
  });
});

/** Sends to a reader who has paused until so much waits that a sender is held up; whether that came about. */
async function fill(ours: OpenWebSocket): Promise<boolean> {
  for (let sent = 0; sent < 1_000; sent++) {
    const taken = ours.send({ text: 'x'.repeat(50_000) })?.then(() => 'taken');
    const first = await Promise.race([taken, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))]);
    if (first === 'waits') return true;
  }
  return false;
}

it('a slow reader slows its source', async () => {
  await start();
  const socket = await connect();
  socket.pause();
  const [ours] = opened as [OpenWebSocket];
  expect(await fill(ours)).toBe(true);
  expect(ours.isOpen).toBe(true);
  socket.resume();
  await expectEcho(await connect());
});

it('a frame of a megabyte is sent to a reader for whom less than that waits', async () => {
  await start();
  const socket = await connect();
  socket.pause();
  const [ours] = opened as [OpenWebSocket];
  await fill(ours);
  void ours.send({ text: 'y'.repeat(1_000_000) });
  expect(ours.isOpen).toBe(true);
  const longest = new Promise((resolve) => {
    socket.on('message', (data) => String(data).startsWith('{"text":"y') && resolve(String(data).length));
  });
  socket.resume();
  expect(await longest).toBe(1_000_000 + '{"text":""}'.length);
});

it('a request that is no WebSocket is told so', async () => {
  await start();
  const response = await fetch(`http://127.0.0.1:${port}/echo`);
  expect(response.status).toBe(426);
  expect([response.headers.get('upgrade'), response.headers.get('connection')]).toEqual(['websocket', 'upgrade']);
  expect(await response.json()).toMatchObject({ error: { code: 'http.upgrade_required' } });
});

const handshake = {
  host: 'a',
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

function headOf(path: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

it.each([
  ['/livez', 200, /"status":"alive"/],
  ['/short', 200, /\{"a":1\}/],
  ['/nowhere', 404, /http\.not_found/],
])('a WebSocket to %s, which takes none, is answered %d as any request', async (path, status, body) => {
  await start();
  const asked = { connection: 'Upgrade, close', 'x-request-id': 'plain', origin: 'https://evil.example' };
  const received = await connectRaw(port, headOf(path, { ...handshake, ...asked })).closed();
  expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(received).toMatch(/\r\nx-request-id: plain\r\n/);
  expect(received).toMatch(body);
  expect(await lineOf('plain')).toMatchObject({ status });
});

it.each([
  ['sec-websocket-version', '12'],
  ['sec-websocket-version', ''],
  ['sec-websocket-key', 'short'],
  ['sec-websocket-key', ''],
  ['sec-websocket-protocol', 'a,,b'],
])('a handshake with a wrong %s (%j) is refused in OpenAI’s shape, naming it', async (name, value) => {
  await start();
  const headers = { ...handshake, [name]: value, 'x-request-id': 'wrong' };
  const received = await connectRaw(port, headOf('/echo', headers)).closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  expect(received).toMatch(/\r\nx-request-id: wrong\r\n/);
  expect(received).toMatch(/\r\nserver-timing: /);
  const { error } = JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4));
  expect(error).toMatchObject({ code: 'http.invalid_request', param: name });
  expect(await lineOf('wrong')).toMatchObject({ status: 400, code: 'http.invalid_request' });
  expect(opened).toEqual([]);
});

it('a handshake that does not wait for the answer before it is refused after that, and keeps no server from stopping', async () => {
  await start();
  const client = connectRaw(port, `GET /short HTTP/1.1\r\nHost: a\r\n\r\n${headOf('/echo', handshake)}`);
  await client.until(/HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 426 [\s\S]*http\.upgrade_required/);
  await drain(server, { timeoutMs: 5_000 });
  await client.closed();
  expect(opened).toEqual([]);
});

it.each([
  ['GET', 'h2c', ''],
  ['POST', 'h2c', '{"a":1}'],
  ['POST', 'websocket', '{"a":1}'],
])(
  'a %s that offers %s is answered without it, and waited for when the server stops',
  async (method, upgrade, sent) => {
    await start();
    const client = connectRaw(
      port,
      `${method} /plain HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${upgrade}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${sent.length}\r\n\r\n${sent}`,
    );
    await expect.poll(() => server.lifecycle.inFlight.size).toBe(1);
    await drain(server, { timeoutMs: 10_000 });
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"a":1\}$/);
  },
);

it('each client is pinged every 30 s; one that answers stays, one that does not is gone at the next', async () => {
  // Time stands still, but for what the test moves it on.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const passRound = () => vi.advanceTimersByTime(30_000);
  await start();
  const alive = await connect();
  const dead = connectRaw(port, headOf('/echo', handshake));
  await dead.until(/101 Switching/);
  const pinged = once(alive, 'ping');
  passRound();
  await pinged;
  await expectEcho(alive);
  passRound();
  await dead.closed();
  await expectEcho(alive);
  expect(heartbeats).toBe(3);
  alive.terminate();
  // Nothing is kept of those that are closed.
  await expect.poll(() => [server.lifecycle.sockets.size, vi.getTimerCount()]).toEqual([0, 0]);
});

describe('a server that is being stopped', () => {
  it('refuses a WebSocket on a connection that there is, and closes that', async () => {
    await start();
    server.lifecycle.draining = true;
    server.lifecycle.isPortClosed = true;
    const received = await connectRaw(port, headOf('/echo', handshake)).closed();
    expect(received).toMatch(/^HTTP\/1\.1 503 [\s\S]*http\.shutting_down/);
  });

  it('closes one that opens after the stopping began', async () => {
    await start();
    admit = async () => void Object.assign(server.lifecycle, { draining: true });
    expect(await codeOf(await connect())).toBe(1001);
  });

  it('closes idle connections with 1001 after telling them', async () => {
    await start();
    const socket = await connect();
    const told = once(socket, 'message');
    const closed = codeOf(socket);
    await drain(server, { timeoutMs: 5_000 });
    expect(JSON.parse(String((await told)[0]))).toMatchObject({ error: { code: 'http.shutting_down' } });
    expect(await closed).toBe(1001);
  });

  it('waits for a busy connection until it is idle', async () => {
    await start();
    busy = true;
    const socket = await connect();
    const stopped = drain(server, { timeoutMs: 60_000 });
    const [ours] = opened as [OpenWebSocket];
    while (!ours.isLeaving) await new Promise((resolve) => setTimeout(resolve, 10));
    await expectEcho(socket);
    busy = false;
    ours.closeWhenIdle();
    expect(await codeOf(socket)).toBe(1001);
    await stopped;
  });

  it('closes a busy connection at the bound', async () => {
    await start();
    busy = true;
    const socket = await connect();
    const stopped = drain(server, { timeoutMs: 300 });
    expect(await codeOf(socket)).toBe(1001);
    await stopped;
  });
});
