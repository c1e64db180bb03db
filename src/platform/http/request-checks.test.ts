import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, signedIn, type TestServer } from './test-server.ts';

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

test('two Authorization headers are refused, whatever their case', async () => {
  const client = connectRaw(
    port,
    'GET /things HTTP/1.1\r\nhost: x\r\nAuthorization: Bearer good\r\nauthorization: Bearer other\r\nconnection: close\r\n\r\n',
  );
  const received = await client.closed();
  expect(received).toMatch(/^HTTP\/1\.1 400 /);
  expect(JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)).error.param).toBe('authorization');
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

test.each([
  ['api_key=abc', 'api_key'],
  ['API_KEY=abc', 'API_KEY'],
  ['access_token=abc', 'access_token'],
  ['key=ek_canary', 'key'],
  ['q=%65k_canary', 'q'],
  ['ek_canary', 'query'],
])('a key in the URL (%s) is refused before it is looked at, saying where it belongs', async (query, param) => {
  const answer = await made.server.inject({ url: `/things?${query}`, headers: signedIn });
  expect(answer.statusCode).toBe(400);
  expect(answer.json().error).toMatchObject({ code: 'http.key_in_url', param });
  expect(answer.json().error.message).toContain('Authorization');
  expect(answer.body).not.toContain('canary');
  expect(JSON.stringify(made.lines)).not.toContain('canary');
});
