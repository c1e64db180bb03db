import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectRaw,
  createTestServer,
  listen,
  type RawConnection,
  signedIn,
  type TestServer,
} from '../../../test/harness/http-server.ts';
import { findMediaTypeFault } from './request-checks.ts';

let made: TestServer;
let port: number;
beforeAll(async () => {
  made = createTestServer((server) => {
    server.get('/things', { config: { access: 'x:read' } }, async () => ({}));
    server.post('/things', { config: { access: 'x:write' } }, async ({ body }) => ({ hasBody: body !== undefined }));
  });
  port = await listen(made.server);
});
afterAll(() => made.server.close());

const errorIn = (received: string) => JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)).error;

/** Sends a request with these headers only, and an id by which to find it in the log. */
function send(requestLine: string, headers: string, body = ''): RawConnection {
  const head = `${requestLine}\r\nAuthorization: Bearer good\r\n${headers}\r\nconnection: close\r\n\r\n`;
  return connectRaw(port, head + body);
}

test('a request of HTTP/1.1 without a Host is refused as any other, one of HTTP/1.0 is served', async () => {
  const received = await send('GET /things HTTP/1.1', 'x-request-id: no-host').closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  expect(received).toMatch(/\r\nx-request-id: no-host\r\n/);
  expect(errorIn(received)).toMatchObject({ code: 'http.invalid_request', param: 'host' });
  expect(await made.lineOf('no-host')).toMatchObject({ status: 400, code: 'http.invalid_request' });
  expect(await send('GET /things HTTP/1.0', 'x-request-id: old').closed()).toMatch(/^HTTP\/1\.1 200 /);
});

test('an expectation that the server does not know is refused as any other fault, 100-continue is met', async () => {
  const received = await send('GET /things HTTP/1.1', 'host: x\r\nexpect: nope\r\nx-request-id: expects').closed();
  expect(received).toMatch(/^HTTP\/1\.1 417 /);
  expect(received).toMatch(/\r\nx-request-id: expects\r\n/);
  expect(errorIn(received)).toMatchObject({ code: 'http.expectation_failed', param: 'expect' });
  expect(await made.lineOf('expects')).toMatchObject({ status: 417, code: 'http.expectation_failed' });
  const patient = await send('GET /things HTTP/1.1', 'host: x\r\nexpect: 100-Continue').closed();
  expect(patient).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
});

test.each([
  ['two Authorization headers', 'host: x\r\nauthorization: Bearer other', 'authorization'],
  ['two Host headers', 'host: x\r\nHost: y', 'host'],
  ['the same Host twice', 'host: x\r\nhost: x', 'host'],
  ['a coding beside chunked', 'host: x\r\ntransfer-encoding: gzip, chunked', 'transfer-encoding'],
])('%s are refused, whatever their case', async (_, headers, param) => {
  const chunks = headers.includes('chunked') ? '0\r\n\r\n' : '';
  const received = await send('POST /things HTTP/1.1', headers, chunks).closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  expect(errorIn(received)).toMatchObject({ code: 'http.invalid_request', param });
});

test('a body in chunks is taken, however the coding is spelt', async () => {
  const headers = 'host: x\r\ncontent-type: application/json\r\ntransfer-encoding: Chunked';
  const received = await send('POST /things HTTP/1.1', headers, '2\r\n{}\r\n0\r\n\r\n').closed();
  expect(received).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['POST', '/things', 200],
  ['POST', '/nowhere', 404],
  ['DELETE', '/nowhere', 404],
])('a kind of body without a body (%s %s) is no body, and is answered at once', async (method, path, status) => {
  const client = connectRaw(
    port,
    `${method} ${path} HTTP/1.1\r\nhost: x\r\nAuthorization: Bearer good\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n`,
  );
  const received = await client.closed();
  expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  if (status === 200) expect(received).toMatch(/\{"hasBody":false\}$/);
});

test.each(['application/json', 'application/json; charset=utf-8'])(
  'a kind of body that is %s and blanks, as many as headers have room for, is refused with little work',
  (kind) => {
    const headers = { 'content-length': '2', 'content-type': `${kind}${' '.repeat(15_000)}x` };
    const request = { method: 'POST', raw: { headers } } as unknown as FastifyRequest;
    const startedAtMs = performance.now();
    for (let count = 0; count < 40; count++) {
      expect(findMediaTypeFault(request)).toMatchObject({ code: 'http.unsupported_media_type', param: 'content-type' });
    }
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  },
);

test.each([
  ['api_key=abc', 'api_key'],
  ['API_KEY=abc', 'API_KEY'],
  ['access_token=abc', 'access_token'],
  ['key=ek_canary', 'key'],
  ['q=%65k_canary', 'q'],
  ['ek_canary', 'query'],
  ['%65k_canary', 'query'],
  ['api%5Fkey=abc', 'api_key'],
])('a key in the URL (%s) is refused before it is looked at, saying where it belongs', async (query, param) => {
  const answer = await made.server.inject({ url: `/things?${query}`, headers: signedIn });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error).toMatchObject({ code: 'http.key_in_url', param });
  expect(answer.json().error.message).toContain('Authorization');
  expect(answer.body).not.toContain('canary');
  expect(JSON.stringify(made.lines)).not.toContain('canary');
});

test.each([
  '/things/ek_canary',
  '/things/%65k_canary',
  '/ek_canary/x',
  '/things/%65%6B%5fcanary?q=1',
  '/things#ek_canary',
])('a key in the path (%s) is refused too', async (url) => {
  const received = await send(`GET ${url} HTTP/1.1`, 'host: x').closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  expect(errorIn(received)).toMatchObject({ code: 'http.key_in_url', param: 'path' });
  expect(received).not.toContain('canary');
  expect(JSON.stringify(made.lines)).not.toContain('canary');
});

test.each(['/things/week_1', '/things/%25', '/things/a?q=week_1'])(
  'what is no key may be in a path: %s',
  async (url) => {
    const answer = await made.server.inject({ url, headers: signedIn });
    expect(answer.json().error.code).toBe('http.not_found');
  },
);

test.each([
  ['POST', '/nowhere', 404],
  ['DELETE', '/nowhere', 404],
  ['PUT', '/things', 405],
  ['QUERY', '/things', 405],
  ['QUERY', '/nowhere', 404],
])('what has no route (%s %s) is told so, whatever its body', async (method, url, status) => {
  for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'nonsense' }]) {
    for (const payload of ['', '{', 'x'.repeat(20_000)]) {
      const answer = await made.server.inject({ method: method as 'POST', url, headers, payload });
      expect(answer.statusCode).toBe(status);
      expect(answer.json().error.code).toBe(status === 404 ? 'http.not_found' : 'http.method_not_allowed');
    }
  }
});

test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/json'])(
  'a body of no bytes is no body, whatever kind it is said to be: %s',
  async (kind) => {
    const received = await send(
      'POST /things HTTP/1.1',
      `host: x\r\ncontent-type: ${kind}\r\ncontent-length: 0`,
    ).closed();
    expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"hasBody":false\}$/);
  },
);
