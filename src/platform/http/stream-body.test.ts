import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { connectRaw, createTestServer, listen } from '../../../test/harness/http-server.ts';
import { AppError } from '../../base/errors.ts';
import { streamBody } from './stream-body.ts';
import { watchAnswers } from './watch-answers.ts';

const revoked = new AppError('test.revoked', { status: 401, message: 'This key was revoked.' });
const REQUEST = 'GET /pieces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nX-Request-Id: r1\r\n\r\n';

/** A server with an answer that is made of `pieces`, and whose caller may no longer call once that is told. */
async function startServer(
  pieces: (request: FastifyRequest) => AsyncIterable<string>,
  { budgetMs = 60_000, request = REQUEST } = {},
) {
  const opened = Promise.withResolvers<void>();
  const { server, lines, lineOf } = createTestServer((http) => {
    http.get('/pieces', { config: { access: 'things', budgetMs } }, async (request, reply) => {
      const body = streamBody(request, pieces(request));
      opened.resolve();
      return reply.send(body);
    });
  });
  const told = watchAnswers(server, () => Promise.reject(revoked));
  onTestFinished(async () => {
    server.server.closeAllConnections();
    await server.close();
  });
  const client = connectRaw(await listen(server), request);
  await opened.promise;
  return { client, lines, line: () => lineOf('r1'), revoke: () => told(() => true), streams: server.lifecycle.streams };
}

/** More than any connection holds: whoever does not read it keeps it from its end. */
async function* endless() {
  for (;;) yield 'x'.repeat(100_000);
}

const END = /0\r\n\r\n$/;

test('a body ends as its pieces do', async () => {
  const { client, line, streams } = await startServer(async function* () {
    yield 'one, ';
    await sleep(20);
    yield 'two';
  });
  expect(await client.until(END)).toMatch(/one, .*two/s);
  expect(await line()).toMatchObject({ level: 'info', status: 200 });
  expect(streams.size).toBe(0);
});

test('HEAD is answered without a piece being made', async () => {
  let made = 0;
  const pieces = async function* () {
    for await (const piece of endless()) {
      made++;
      yield piece;
    }
  };
  const { line, streams } = await startServer(pieces, { request: REQUEST.replace('GET', 'HEAD') });
  expect(await line()).toMatchObject({ level: 'info', status: 200 });
  await sleep(50);
  expect([made, streams.size]).toEqual([0, 0]);
});

test('a body of which a piece fails is cut, and the log tells what failed, and why', async () => {
  const cause = new Error('underneath');
  const { client, line, streams } = await startServer(async function* () {
    yield 'one, ';
    await sleep(50);
    throw new AppError('test.away', { status: 503, message: 'Try again.', cause });
  });
  const received = await client.closed();
  expect(received).toContain('one, ');
  expect(received).not.toMatch(END);
  expect(await line()).toMatchObject({ level: 'error', code: 'test.away', err: { cause: { message: 'underneath' } } });
  expect(streams.size).toBe(0);
});

test('a body is cut when its caller may no longer call, also while nobody reads it', async () => {
  const { client, line, revoke, streams } = await startServer(endless);
  client.socket.pause();
  await sleep(100);
  revoke();
  expect(await line()).toMatchObject({ level: 'info', code: 'test.revoked' });
  expect(streams.size).toBe(0);
});

test('a body whose next piece is still being made is cut then, and that is given up', async () => {
  const { client, line, revoke } = await startServer(async function* ({ context: { deadline } }) {
    yield 'one, ';
    await deadline.race(new Promise(() => {}));
  });
  await client.until(/one, /);
  revoke();
  expect(await line()).toMatchObject({ code: 'test.revoked' });
});

test('a body that is opened after its key was revoked is cut', async () => {
  const { server, lineOf } = createTestServer((http) => {
    http.get('/pieces', { config: { access: 'things' } }, async (request, reply) => {
      told(() => true);
      return reply.send(streamBody(request, endless()));
    });
  });
  const told = watchAnswers(server, () => Promise.reject(revoked));
  onTestFinished(() => server.close());
  connectRaw(await listen(server), REQUEST);
  expect(await lineOf('r1')).toMatchObject({ code: 'test.revoked' });
});

test('a body is cut at the end of its deadline, also while nobody reads it', async () => {
  const { client, line, streams } = await startServer(endless, { budgetMs: 200 });
  client.socket.pause();
  expect(await line()).toMatchObject({ level: 'error', code: 'http.deadline_exceeded' });
  expect(streams.size).toBe(0);
});

test('a client that leaves ends its body, which is not told as an error', async () => {
  let hasEnded = false;
  const { client, lines, line, streams } = await startServer(async function* () {
    try {
      yield* endless();
    } finally {
      hasEnded = true;
    }
  });
  await client.until(/xxx/);
  client.socket.destroy();
  expect(await line()).toMatchObject({ level: 'info', status: 499 });
  expect(await line()).not.toHaveProperty('code');
  await expect.poll(() => [hasEnded, streams.size]).toEqual([true, 0]);
  expect(lines.map(({ level }) => level)).not.toContain('warn');
});
