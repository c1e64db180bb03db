import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import { connectRaw, createTestServer, listen } from '../../../test/harness/http-server.ts';
import { AppError } from '../../base/errors.ts';
import { openEventStream } from './event-stream.ts';
import { watchAnswers } from './watch-answers.ts';

const revoked = new AppError('test.revoked', { status: 401, message: 'This key was revoked.' });
const lacking = new AppError('test.lacking', { status: 403, message: 'You may not.' });
const unknown = new AppError('test.unavailable', { status: 503, message: 'Try again.' });
const HEADERS = 'Host: x\r\nAuthorization: Bearer good\r\n';
const STREAM = `GET /stream HTTP/1.1\r\n${HEADERS}\r\n`;
const START = `POST /things HTTP/1.1\r\n${HEADERS}Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a`;
const REST = '":1}';

/** A server whose caller is unknown by the first of `refusals`, the next time by the second, and so on; so with `forbidden`. */
async function startServer() {
  const refusals: AppError[] = [];
  const forbidden: AppError[] = [];
  const handled: string[] = [];
  const gate = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const { server } = createTestServer(
    (http) => {
      http.post('/things', { config: { access: 'things' }, schema: { body: Type.Unknown() } }, async () => {
        handled.push('things');
        return {};
      });
      http.get('/stream', { config: { access: 'things' } }, async (request, reply) => {
        arrived.resolve();
        await gate.promise;
        openEventStream(request, reply, { budgetMs: 60_000 });
        return reply;
      });
    },
    {
      authenticate: async (request) => {
        const refusal = refusals.shift();
        if (refusal) throw refusal;
        Object.assign(request, { caller: { userId: 'user-1' } });
      },
      authorize: () => {
        arrived.resolve();
        const refusal = forbidden.shift();
        if (refusal) throw refusal;
      },
    },
  );
  const told = watchAnswers(server, async (_request: FastifyRequest) => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
  });
  onTestFinished(async () => {
    for (const stream of server.lifecycle.streams) stream.fail(revoked);
    await server.close();
  });
  const port = await listen(server);
  return { refusals, forbidden, handled, gate, arrived: arrived.promise, tell: () => told(() => true), port };
}

test.each([
  ['its key is revoked', { kind: 'refusals', refusal: revoked, answer: /^HTTP\/1.1 401 .*test\.revoked/s }],
  [
    'its caller loses the permission',
    { kind: 'forbidden', refusal: lacking, answer: /^HTTP\/1.1 403 .*test\.lacking/s },
  ],
] as const)('a request whose body is on its way when %s is refused, and nothing is done', async (_, change) => {
  const { handled, arrived, tell, port, ...pending } = await startServer();
  const client = connectRaw(port, START);
  await arrived;
  pending[change.kind].push(change.refusal);
  tell();
  client.socket.write(REST);
  await client.until(change.answer);
  expect(handled).toEqual([]);
});

test('a request whose body is on its way when callers have changed is served if its own may still call', async () => {
  const { handled, arrived, tell, port } = await startServer();
  const client = connectRaw(port, START);
  await arrived;
  tell();
  client.socket.write(REST);
  await client.until(/^HTTP\/1.1 200 /);
  expect(handled).toEqual(['things']);
});

test('a stream that opens after its key was revoked is ended', async () => {
  const { refusals, gate, arrived, tell, port } = await startServer();
  const client = connectRaw(port, STREAM);
  await arrived;
  await new Promise((resolve) => setImmediate(resolve));
  tell();
  refusals.push(revoked);
  gate.resolve();
  expect(await client.until(/0\r\n\r\n$/)).toContain('test.revoked');
});

test.each([
  ['was revoked', revoked],
  ['may do it no more', lacking],
])('a stream of whose key it cannot be told at first that it %s is ended as soon as it can', async (_, refusal) => {
  const { refusals, gate, tell, port } = await startServer();
  const client = connectRaw(port, STREAM);
  gate.resolve();
  await client.until(/\r\n\r\n/);
  refusals.push(unknown, refusal);
  tell();
  expect(await client.until(/0\r\n\r\n$/)).toContain(refusal.code);
});
