import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { connectRaw, createTestServer, listen, type RawConnection } from '../../../test/harness/http-server.ts';
import { httpErrors } from './errors.ts';
import { openEventStream } from './event-stream.ts';
import type { RequestObservation } from './request-log.ts';
import type { HttpServer } from './server.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function start(change: (server: HttpServer) => void = () => {}): Promise<number> {
  const { server } = createTestServer((made) => {
    const access = 'public';
    made.post('/things', { config: { access } }, async () => ({}));
    made.post('/slow', { config: { access } }, async () => {
      await sleep(50);
      return { done: true };
    });
  });
  opened.push(server);
  change(server);
  return listen(server);
}

function errorIn(received: string): { code: string; type: string; message: string } {
  return JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)).error;
}

test('bytes that are not HTTP are answered 400 in OpenAI’s shape with a request id', async () => {
  const received = await connectRaw(await start(), 'BANANA\r\n\r\n').closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(received).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/);
  expect(received).toMatch(/\r\nserver-timing: total;dur=0\r\n/);
  expect(errorIn(received)).toMatchObject({ code: 'http.malformed_http', type: 'invalid_request_error' });
});

test('a URL with letters that no URL has is answered 400, with how to write them', async () => {
  const received = await connectRaw(await start(), 'GET /things?q=köp HTTP/1.1\r\nhost: x\r\n\r\n').closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(errorIn(received)).toMatchObject({ code: 'http.invalid_request', message: expect.stringContaining('%C3%B6') });
});

test('headers over 16 kB are answered 431', async () => {
  const received = await connectRaw(
    await start(),
    `GET /livez HTTP/1.1\r\nhost: x\r\nx-big: ${'a'.repeat(20_000)}\r\n\r\n`,
  ).closed();
  expect(received).toMatch(/^HTTP\/1\.1 431 /);
  expect(errorIn(received).code).toBe('http.headers_too_large');
});

test('headers that do not arrive in time are answered 408', async () => {
  const port = await start((server) => {
    server.server.headersTimeout = 50;
  });
  const received = await connectRaw(port, 'GET /livez HTTP/1.1\r\nhost: x\r\n').closed();
  expect(received).toMatch(/^HTTP\/1\.1 408 /);
  expect(errorIn(received).code).toBe('http.request_timeout');
});

test('a body that does not arrive in time is answered 408', async () => {
  const port = await start((server) => {
    server.server.headersTimeout = 50;
    server.server.requestTimeout = 50;
  });
  const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{';
  const received = await connectRaw(port, head).closed();
  expect(received).toMatch(/^HTTP\/1\.1 408 /);
});

test('who was refused and never sends the rest of the body is cut off as others are', async () => {
  const port = await start((server) => {
    server.server.headersTimeout = 50;
    server.server.requestTimeout = 50;
  });
  const head = 'POST /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{';
  const received = await connectRaw(port, head).closed();
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404']);
});

test('a body that is still arriving when the request’s budget ends is answered 408, and its connection ends', async () => {
  const { server } = createTestServer((made) => {
    made.post('/things', { config: { access: 'public', budgetMs: 30 } }, async () => ({}));
  });
  opened.push(server);
  const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{';
  const received = await connectRaw(await listen(server), head).closed();
  expect(received).toMatch(/^HTTP\/1\.1 408 /);
  expect(errorIn(received).code).toBe('http.request_timeout');
});

test('a request whose body is still arriving is told why when it is given up before its budget ends', async () => {
  const { server } = createTestServer((made) => {
    made.post('/things', { config: { access: 'public' } }, async () => ({}));
  });
  opened.push(server);
  const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{';
  const client = connectRaw(await listen(server), head);
  await expect.poll(() => server.lifecycle.inFlight.size).toBe(1);
  for (const { deadline } of server.lifecycle.inFlight) deadline.cancel(httpErrors.raise.shutting_down());
  const received = await client.until(/\}\}$/);
  client.socket.destroy();
  expect(received).toMatch(/^HTTP\/1\.1 503 /);
  expect(errorIn(received).code).toBe('http.shutting_down');
});

test('nothing is done for a request whose body is complete only when it is being answered 408', async () => {
  let done = 0;
  let client: RawConnection | undefined;
  const port = await start((server) => {
    server.post('/late', { config: { access: 'public', budgetMs: 50 } }, async () => ++done);
    server.addHook('onSend', async () => {
      client?.socket.write('}');
      await sleep(100);
    });
  });
  const head = 'POST /late HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n';
  client = connectRaw(port, `${head}{`);
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 408 /);
  expect(done).toBe(0);
});

test.each([
  ['a body longer than its length', 'content-length: 2\r\n\r\n{}tail'],
  ['a body without a length', '\r\n{}'],
  ['what is no second request', 'content-length: 2\r\n\r\n{}BANANA\r\n\r\n'],
  ['a CONNECT', 'content-length: 2\r\n\r\n{}CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n'],
])('a request whose answer is due is answered for itself, whatever comes after it: %s', async (_, rest) => {
  const type = rest.startsWith('content-length') ? 'content-type: application/json\r\n' : '';
  const received = await connectRaw(await start(), `POST /slow HTTP/1.1\r\nhost: x\r\n${type}${rest}`).closed();
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
  expect(received).toMatch(/\r\nconnection: close\r\n[\s\S]*\{"done":true\}$/i);
});

test.each([
  ['is no HTTP', 'BANANA\r\n\r\n'],
  ['does not arrive in time', 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{'],
])('a stream ends as it should, and its connection with it, when what comes behind it %s', async (_, rest) => {
  const end = Promise.withResolvers<void>();
  const port = await start((server) => {
    server.server.headersTimeout = 50;
    server.server.requestTimeout = 50;
    server.get('/stream', { config: { access: 'public' } }, async (request, reply) => {
      const stream = openEventStream(request, reply, { budgetMs: 5000 });
      void end.promise.then(() => stream.end());
      return reply;
    });
    server.server.on('clientError', () => end.resolve());
  });
  const received = await connectRaw(port, `GET /stream HTTP/1.1\r\nhost: x\r\n\r\n${rest}`).closed();
  expect(received.match(/HTTP\/1\.1 \d+|\[DONE\]/g)).toEqual(['HTTP/1.1 200', '[DONE]']);
});

test('a CONNECT is answered 405, as what no address takes', async () => {
  const received = await connectRaw(
    await start(),
    'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n',
  ).closed();
  expect(received).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\n/);
  expect(received).toMatch(/\r\nallow: \r\n/);
  expect(received).toMatch(/\r\nx-request-id: [0-9a-f-]{36}\r\n/);
  expect(errorIn(received).code).toBe('http.method_not_allowed');
});

test('a CONNECT whose client breaks it off ends nothing but its connection', async () => {
  const breakOff = (_request: unknown, socket: Duplex) => socket.emit('error', new Error('broken off'));
  const port = await start((server) => void server.server.on('connect', breakOff));
  await connectRaw(port, 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n').closed();
  expect(await connectRaw(port, 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n').until(/alive/)).toContain('200 OK');
});

test.each([
  ['http.malformed_http', 'transfer-encoding: chunked\r\n\r\nBANANA\r\n'],
  ['http.request_timeout', 'content-length: 10\r\n\r\n{'],
])(
  'a request whose body is refused with %s has one line in the log, which tells it, with the id of the answer',
  async (code, rest) => {
    const observed: RequestObservation[] = [];
    const { server, lines } = createTestServer(
      (made) => void made.post('/things', { config: { access: 'public' } }, async () => ({})),
      { observe: (observation) => observed.push(observation) },
    );
    opened.push(server);
    server.server.headersTimeout = 50;
    server.server.requestTimeout = 50;
    const head = 'POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
    const received = await connectRaw(await listen(server), head + rest).closed();
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1]);
    const request_id = /\r\nx-request-id: (\S+)/.exec(received)?.[1];
    await vi.waitFor(() => expect(observed).toMatchObject([{ route: '/things', status, code }]));
    expect(lines.filter(({ code }) => code !== undefined)).toMatchObject([
      { msg: 'request', request_id, status, code },
    ]);
  },
);
