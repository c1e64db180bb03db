import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../base/errors.ts';
import { createTestServer, signedIn, type TestServer } from './test-server.ts';

const Body = Type.Object({ title: Type.String() }, { additionalProperties: false });

let made: TestServer;
beforeAll(() => {
  made = createTestServer((server) => {
    server.post('/things', { config: { access: 'x:write' }, schema: { body: Body } }, async () => ({}));
    server.get('/things', { config: { access: 'x:read' } }, async () => ({}));
    server.get('/admin', { config: { access: 'admin' } }, async () => ({}));
    server.get('/broken', { config: { access: 'public' } }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60').header('etag', '"1"');
      throw new Error('select * from secrets at /srv/app', { cause: new Error('root cause') });
    });
    server.get<{ Params: { status: string } }>('/fail/:status', { config: { access: 'public' } }, async (request) => {
      throw new AppError('test.failed', {
        status: Number(request.params.status),
        message: 'It failed.',
        param: 'title',
        retryAfterMs: 1200,
        cause: new Error('underneath'),
      });
    });
  });
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

test('an unknown address is 404 and a wrong method 405 with Allow, without asking who calls', async () => {
  const unknown = await made.server.inject('/unknown');
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json().error.code).toBe('http.not_found');
  const wrong = await made.server.inject({ method: 'DELETE', url: '/things?x=1' });
  expect(wrong.statusCode).toBe(405);
  expect(wrong.json().error.code).toBe('http.method_not_allowed');
  expect(wrong.headers.allow).toBe('GET, HEAD, POST');
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
