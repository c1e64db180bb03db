import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { connectRaw, createTestServer, listen } from '../../../test/harness/http-server.ts';
import { drain } from './drain.ts';
import { openEventStream } from './event-stream.ts';
import type { HttpServer } from './server.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

const head = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** A server with a request that waits until the test lets it go, one that never ends, and a stream. */
async function start() {
  const release = Promise.withResolvers<void>();
  const made = createTestServer((server) => {
    const config = { access: 'public' };
    server.get('/waits', { config }, async () => {
      await release.promise;
      return { waited: true };
    });
    server.get('/never', { config: { ...config, budgetMs: 60_000 } }, () => new Promise(() => {}));
    server.post('/takes', { config }, async () => ({}));
    server.get('/stream', { config }, async (request, reply) => {
      const stream = openEventStream(request, reply, { budgetMs: 60_000, errorEvent: { type: 'error' } });
      void release.promise.then(() => stream.end());
      return reply;
    });
  });
  opened.push(made.server);
  const port = await listen(made.server);
  /** Opens a connection and waits until its request is being served. */
  async function request(path: string) {
    const before = made.server.lifecycle.inFlight.size;
    const client = connectRaw(port, head(path));
    while (made.server.lifecycle.inFlight.size === before) await new Promise((resolve) => setImmediate(resolve));
    return client;
  }
  return { ...made, port, request, release: release.resolve };
}

test('readiness turns first, while all is answered as before', async () => {
  const { server, port, request, release } = await start();
  const waiting = await request('/waits');
  const idle = connectRaw(port, head('/livez'));
  await idle.until(/alive/);
  const drained = drain(server, { timeoutMs: 5000 });
  idle.socket.write(head('/readyz'));
  expect(await idle.until(/HTTP\/1\.1 503 [\s\S]*"unavailable"/)).not.toMatch(/connection: close/i);
  expect(await connectRaw(port, head('/livez')).until(/alive/)).not.toMatch(/connection: close/i);
  release();
  await waiting.until(/"waited":true/);
  await drained;
});

test('requests that wait on their connection for the one before them are answered too, and the last one closes it', async () => {
  const { server, request, release } = await start();
  const waiting = await request('/waits');
  waiting.socket.write(head('/livez') + head('/nothing') + head('/livez'));
  const drained = drain(server, { timeoutMs: 5000 });
  await vi.waitFor(() => expect(server.lifecycle.isPortClosed).toBe(true), 5000);
  release();
  const received = await waiting.closed();
  expect(received.match(/HTTP\/1\.1 \d+|connection: close/gi)).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 404',
    'HTTP/1.1 200',
    'connection: close',
  ]);
  await drained;
});

test('requests and streams in flight finish', async () => {
  const { server, request, release } = await start();
  const waiting = await request('/waits');
  const stream = await request('/stream');
  const startedAtMs = performance.now();
  const drained = drain(server, { timeoutMs: 10_000 });
  await expect.poll(() => server.lifecycle.isPortClosed).toBe(true);
  // Time for a probe to see it.
  expect(performance.now() - startedAtMs).toBeGreaterThan(990);
  release();
  await drained;
  expect(await waiting.closed()).toMatch(/connection: close[\s\S]*"waited":true/i);
  expect(await stream.closed()).toContain('data: [DONE]');
});

test('at the bound, streams end with an error event and requests are answered with the error', async () => {
  const { server, request } = await start();
  const never = await request('/never');
  const stream = await request('/stream');
  await drain(server, { timeoutMs: 100 });
  expect(await stream.closed()).toMatch(/event: error\ndata: .*"code":"http\.shutting_down"/);
  const answer = await never.closed();
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain('"code":"http.shutting_down"');
  expect(answer).toContain('retry-after: 1');
});

test.each([
  ['breaks off', ''],
  ['arrives after all', '          }'],
])(
  'a request whose body is on its way at the bound is answered with the error; that it %s is no error',
  async (_, rest) => {
    const { server, port, lines } = await start();
    const headers = 'host: x\r\nx-request-id: arrives\r\ncontent-type: application/json\r\ncontent-length: 12';
    const arriving = connectRaw(port, `POST /takes HTTP/1.1\r\n${headers}\r\n\r\n{`);
    while (server.lifecycle.inFlight.size === 0) await new Promise((resolve) => setImmediate(resolve));
    const drained = drain(server, { timeoutMs: 100 });
    await arriving.until(/http\.shutting_down/);
    arriving.socket.write(rest);
    await drained;
    expect(await arriving.closed()).toMatch(/^HTTP\/1\.1 503 /);
    const problems = lines.filter(({ level }) => level !== 'info');
    expect(problems).toEqual([expect.objectContaining({ request_id: 'arrives', code: 'http.shutting_down' })]);
  },
  // Without a cut, Node ends the connection after 30 s.
  20_000,
);

test('after the drain the port is closed and no connection is left', async () => {
  const { server, port } = await start();
  const idle = connectRaw(port, head('/livez'));
  await idle.until(/alive/);
  await drain(server, { timeoutMs: 5000 });
  await idle.closed();
  expect(await connectRaw(port, head('/livez')).closed()).toBe('');
});

test('a request on a connection that was taken before the port closed is answered, also a while after that', async () => {
  const { server, port } = await start();
  const fresh = connectRaw(port);
  const kept = connectRaw(port, head('/livez'));
  await kept.until(/alive/);
  const drained = drain(server, { timeoutMs: 5000 });
  while (server.server.listening) await sleep(10);
  await sleep(200);
  for (const { socket } of [fresh, kept]) socket.write(head('/livez'));
  expect(await fresh.closed()).toMatch(/connection: close[\s\S]*alive/i);
  expect(await kept.closed()).toMatch(/connection: close[\s\S]*alive/i);
  await drained;
});

test('a second drain joins the first', async () => {
  const { server } = await start();
  const first = drain(server, { timeoutMs: 5000 });
  expect(drain(server, { timeoutMs: 1 })).toBe(first);
  await first;
});

test('a connection that has sent no request does not hold it up', async () => {
  const { server, port } = await start();
  const silent = connectRaw(port, '');
  while (!(await hasConnections(server))) await new Promise((resolve) => setImmediate(resolve));
  await drain(server, { timeoutMs: 60_000 });
  expect(await silent.closed()).toBe('');
});

async function hasConnections(server: HttpServer): Promise<boolean> {
  return new Promise((resolve) => server.server.getConnections((_error, count) => resolve(count > 0)));
}
