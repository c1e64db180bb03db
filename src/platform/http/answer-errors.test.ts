import { once } from 'node:events';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, signedIn, type TestServer } from '../../../test/harness/http-server.ts';
import { AppError } from '../../base/errors.ts';
import { explainErrors } from './explain-errors.ts';

const Body = Type.Object({ title: Type.String() }, { additionalProperties: false });

let made: TestServer;
let port: number;
beforeAll(async () => {
  made = createTestServer((server) => {
    server.post('/things', { config: { access: 'x:write' }, schema: { body: Body } }, async () => ({}));
    server.get('/things', { config: { access: 'x:read' } }, async () => ({}));
    server.get('/admin', { config: { access: 'admin' } }, async () => ({}));
    server.get('/broken', { config: { access: 'public' } }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60').header('etag', '"1"');
      throw new Error('select * from secrets at /srv/app', { cause: new Error('root cause') });
    });
    server.get<{ Params: { status: string }; Querystring: { final?: string } }>(
      '/fail/:status',
      { config: { access: 'public' } },
      async ({ params, query }) => {
        const error = { message: 'It failed.', param: 'title', cause: new Error('underneath') };
        const helps = query.final === undefined && { retryAfterMs: 1200 };
        throw new AppError('test.failed', { status: Number(params.status), ...error, ...helps });
      },
    );
  });
  port = await listen(made.server);
});
afterAll(() => made.server.close());

test.each([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'invalid_request_error'],
  [409, 'conflict_error'],
  [413, 'invalid_request_error'],
  [422, 'invalid_request_error'],
  [429, 'rate_limit_error'],
  [500, 'server_error'],
  [502, 'server_error'],
  [503, 'server_error'],
])('an AppError of status %d is answered in OpenAI’s shape with the type %s', async (status, type) => {
  const answer = await made.server.inject(`/fail/${status}`);
  expect(answer.statusCode).toBe(status);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.json()).toEqual({ error: { message: 'It failed.', type, param: 'title', code: 'test.failed' } });
});

test('when to retry is told in whole seconds, rounded up, and in milliseconds', async () => {
  const { headers } = await made.server.inject('/fail/429');
  expect(headers).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1200' });
});

test('where trying again does not help, that is told of what clients try again by themselves', async () => {
  const toldOf = async (path: string) => (await made.server.inject(path)).headers['x-should-retry'];
  expect(await Promise.all([409, 502, 503].map((status) => toldOf(`/fail/${status}?final=true`)))).toEqual(
    Array(3).fill('false'),
  );
  expect(await Promise.all(['/fail/422?final=true', '/fail/500?final=true', '/fail/503'].map(toldOf))).toEqual(
    Array(3).fill(undefined),
  );
});

test('an unexpected error is a 500 that tells nothing, with its cause in the log', async () => {
  const answer = await made.server.inject({ url: '/broken', headers: { 'x-request-id': 'broken-1' } });
  expect(answer.statusCode).toBe(500);
  expect(answer.json().error).toMatchObject({ type: 'server_error', param: null, code: 'http.internal' });
  expect(answer.body).not.toMatch(/select|srv|root cause| at /);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.headers.etag).toBeUndefined();
  const line = await made.lineOf('broken-1');
  expect(line).toMatchObject({ level: 'error', status: 500, code: 'http.internal' });
  expect(JSON.stringify(line)).toContain('root cause');
});

test('errors of our side are logged as errors with their cause, the rest as information', async () => {
  await made.server.inject({ url: '/fail/503', headers: { 'x-request-id': 'f503' } });
  await made.server.inject({ url: '/fail/404', headers: { 'x-request-id': 'f404' } });
  expect(await made.lineOf('f503')).toMatchObject({ level: 'error', err: { cause: { message: 'underneath' } } });
  const quiet = await made.lineOf('f404');
  expect(quiet).toMatchObject({ level: 'info', code: 'test.failed' });
  expect(quiet).not.toHaveProperty('err');
});

test('an error that somebody explains is answered so; one that nobody does is a 500, and an AppError needs none', async () => {
  const failures: Record<string, Error> = {
    explained: new Error('known'),
    unexplained: new Error('unknown'),
    told: new AppError('test.told', { status: 404, message: 'It is not there.' }),
  };
  const { server, lineOf } = createTestServer((own) => {
    for (const [name, failure] of Object.entries(failures)) {
      own.get(`/${name}`, { config: { access: 'public' } }, () => Promise.reject(failure));
    }
    explainErrors(own, (error, { url }) =>
      error === failures.unexplained
        ? error
        : new AppError('test.explained', { status: 401, message: `${url} is explained.` }),
    );
  });
  const read = async (name: string) => {
    const answer = await server.inject({ url: `/${name}`, headers: { 'x-request-id': name } });
    return [answer.statusCode, answer.json().error.code];
  };
  expect(await read('explained')).toEqual([401, 'test.explained']);
  expect(await lineOf('explained')).toMatchObject({ level: 'info', code: 'test.explained' });
  expect(await read('unexplained')).toEqual([500, 'http.internal']);
  expect(await read('told')).toEqual([404, 'test.told']);
  await server.close();
});

test('an unknown address is 404 and a wrong method 405 with Allow, without asking who calls', async () => {
  const unknown = await made.server.inject('/unknown');
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json().error.code).toBe('http.not_found');
  const wrong = await made.server.inject({ method: 'DELETE', url: '/things?x=1' });
  expect(wrong.statusCode).toBe(405);
  expect(wrong.json().error.code).toBe('http.method_not_allowed');
  expect(wrong.headers.allow).toBe('GET, HEAD, POST');
});

const errorIn = (received: string) => JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)).error;

test('a 401 names the scheme by which to say who calls, and nothing else does', async () => {
  expect((await made.server.inject('/things')).headers['www-authenticate']).toBe('Bearer');
  expect((await made.server.inject('/fail/403')).headers).not.toHaveProperty('www-authenticate');
});

describe('the pages of the documentation answer in OpenAI’s shape', () => {
  test.each([
    ['/../../package.json', 404, 'http.not_found'],
    ['/%2e%2e/%2e%2e/package.json', 404, 'http.not_found'],
    ['/..%2f..%2fpackage.json', 404, 'http.not_found'],
    ['/..', 404, 'http.not_found'],
    ['/nope.js', 404, 'http.not_found'],
    ['/a%00b', 404, 'http.not_found'],
    [`/${'long'.repeat(75)}`, 404, 'http.not_found'],
  ])('to the path %s: %d', async (path, status, code) => {
    // As it is: `inject` would take the dots out.
    const head = `GET /docs/static${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;
    const received = await connectRaw(port, head).closed();
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(received).not.toMatch(/\r\nallow: /i);
    expect(errorIn(received)).toMatchObject({ code });
  });

  test.each([
    ['range', 'bytes=99999999-', 416, 'http.range_not_satisfiable'],
    ['if-match', '"x"', 412, 'http.precondition_failed'],
    ['if-unmodified-since', 'Mon, 01 Jan 1990 00:00:00 GMT', 412, 'http.precondition_failed'],
  ])('to %s: %s with %d', async (...[name, value, status, code]) => {
    const answer = await made.server.inject({ url: '/docs/static/swagger-ui.css', headers: { [name]: value } });
    expect(answer.statusCode).toBe(status);
    expect(answer.json().error).toMatchObject({ code, type: 'invalid_request_error' });
  });
});

test('a caller who is unknown gets 401 and one who lacks the permission 403, before the body is looked at', async () => {
  const nobody = await made.server.inject({
    method: 'POST',
    url: '/things',
    payload: '{',
    headers: { 'content-type': 'text/x' },
  });
  expect(nobody.statusCode).toBe(401);
  const notAllowed = await made.server.inject({ url: '/admin', headers: signedIn });
  expect(notAllowed.statusCode).toBe(403);
});

test('the connection stays open after a body that was refused', async () => {
  const answer = await made.server.inject({
    method: 'POST',
    url: '/things',
    payload: '{"a"',
    headers: { ...signedIn, 'content-type': 'application/json' },
  });
  expect(answer.statusCode).toBe(400);
  expect(answer.headers.connection).not.toBe('close');
});

describe('a body that is refused early is read to its end before the connection is closed, so that its sender sees', () => {
  const bytes = 5_000_000;
  const key = 'authorization: Bearer good\r\n';
  const kinds = {
    announced: { head: `content-length: ${bytes}\r\n\r\n`, end: '' },
    chunked: { head: `transfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`, end: '\r\n0\r\n\r\n' },
  };
  const refusals = {
    401: { path: '/things', headers: '', code: 'test.unknown' },
    404: { path: '/nowhere', headers: key, code: 'http.not_found' },
    415: { path: '/things', headers: `${key}content-type: text/plain\r\n`, code: 'http.unsupported_media_type' },
    413: { path: '/things', headers: `${key}content-type: application/json\r\n`, code: 'http.body_too_large' },
  };
  const statuses = Object.keys(refusals) as unknown as (keyof typeof refusals)[];
  const names = Object.keys(kinds) as (keyof typeof kinds)[];

  test.each(statuses.flatMap((status) => names.map((name) => [status, name] as const)))(
    '%s: %s',
    async (status, name) => {
      const { path, headers, code } = refusals[status];
      const { head, end } = kinds[name];
      const client = connectRaw(port, `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}connection: close\r\n${head}`);
      let failure: Error | undefined;
      client.socket.on('error', (error) => {
        failure = error;
      });
      await once(client.socket, 'connect');
      // It sends all before it reads.
      client.socket.pause();
      await new Promise((sent) => client.socket.write(Buffer.alloc(bytes, 'x'), sent));
      await new Promise((sent) => client.socket.write(end, sent));
      client.socket.resume();
      const received = await client.closed();
      expect(failure).toBeUndefined();
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(received).toMatch(/\r\nconnection: close\r\n/i);
      expect(errorIn(received)).toMatchObject({ code });
    },
  );
});

test('a client that leaves when it has read the answer, with its body not sent, was answered', async () => {
  const head =
    'POST /things HTTP/1.1\r\nhost: x\r\nx-request-id: leaves\r\ncontent-length: 10\r\nconnection: close\r\n\r\n';
  const client = connectRaw(port, head);
  expect(await client.until(/"code":"test.unknown"\}\}$/)).toMatch(/^HTTP\/1\.1 401 /);
  client.socket.destroy();
  expect(await made.lineOf('leaves')).toMatchObject({ status: 401, code: 'test.unknown' });
});
