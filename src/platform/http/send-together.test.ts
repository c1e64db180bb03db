import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, type TestServer } from '../../../test/harness/http-server.ts';

let made: TestServer;
let port: number;
beforeAll(async () => {
  made = createTestServer((server) => {
    server.get('/unwritable', { config: { access: 'public' } }, async (_request, reply) => {
      reply.header('x-broken', 'line\nbreak');
      return {};
    });
    server.get('/fine/:name', { config: { access: 'public' } }, async ({ params }) => params);
  });
  port = await listen(made.server);
});
afterAll(() => made.server.close());

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`;

test('an answer that cannot be written ends its connection, and no other', async () => {
  const broken = connectRaw(port, get('/unwritable'));
  const others = Array.from({ length: 100 }, (_, index) => connectRaw(port, get(`/fine/${index}`)));
  expect(await broken.closed()).toBe('');
  for (const [index, other] of others.entries()) expect(await other.closed()).toContain(`{"name":"${index}"}`);
  expect(made.lines).toContainEqual(expect.objectContaining({ level: 'error', msg: 'could not write an answer' }));
});
