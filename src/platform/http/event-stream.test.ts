import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { connectRaw, createTestServer, listen } from '../../../test/harness/http-server.ts';
import { AppError } from '../../base/errors.ts';
import { type EventStream, type EventStreamOptions, openEventStream } from './event-stream.ts';
import type { HttpServer } from './server.ts';

const REQUEST = 'GET /stream HTTP/1.1\r\nhost: x\r\norigin: https://app.example.com\r\nx-request-id: s1\r\n\r\n';

const opened: HttpServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const server of opened.splice(0)) {
    for (const stream of server.lifecycle.streams) stream.fail(new Error('the test is over'));
    server.server.closeAllConnections();
    await server.close();
  }
});

/** A server with a stream that the test holds, and a client that reads it. */
async function openStream(options: Partial<EventStreamOptions> = {}, budgetMs = 5000, request = REQUEST) {
  let signal: AbortSignal | undefined;
  const { promise, resolve } = Promise.withResolvers<{ stream: EventStream; raw: ServerResponse }>();
  const made = createTestServer((server) => {
    server.get('/stream', { config: { access: 'public', budgetMs } }, async (request, reply) => {
      signal = request.context.deadline.signal;
      request.context.timings.add('sql', 3);
      resolve({ stream: openEventStream(request, reply, { budgetMs: 60_000, ...options }), raw: reply.raw });
      return reply;
    });
  });
  opened.push(made.server);
  const client = connectRaw(await listen(made.server), request);
  return { ...made, client, ...(await promise), wasCut: () => signal?.aborted };
}

/** The events of a chunked answer, without its headers and chunk sizes. */
function eventsOf(received: string): string {
  const body = received.slice(received.indexOf('\r\n\r\n') + 4);
  return body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replaceAll('\r\n', '');
}

/** Has timers stand still until the test moves them on. What else a stream needs goes on. */
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });

test('a stream begins at once, with the headers that every answer has and, for want of an event, a comment', async () => {
  const { client } = await openStream();
  const received = await client.until(/: keep-alive\n/);
  expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  for (const header of [
    'content-type: text/event-stream; charset=utf-8',
    'x-request-id: s1',
    'server-timing: sql;dur=3, total;dur=',
    'cache-control: no-store, no-transform',
    'x-accel-buffering: no',
    'access-control-allow-origin: https://app.example.com',
    'x-content-type-options: nosniff',
  ]) {
    expect(received).toContain(`\r\n${header}`);
  }
});

test('HEAD is answered at once, without a stream that anybody would have to read', async () => {
  holdTimers();
  const { client, server, stream, lineOf } = await openStream({}, 5000, REQUEST.replace('GET', 'HEAD'));
  expect(await client.until(/\r\n\r\n$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(await lineOf('s1')).toMatchObject({ level: 'info', status: 200 });
  expect(stream.closed.aborted).toBe(true);
  expect(server.lifecycle.streams.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('events are sent in order as their fields say, and the end is marked', async () => {
  const { client, stream, raw, lineOf } = await openStream();
  const write = vi.spyOn(raw, 'write');
  await stream.send({ data: { text: 'å\n\n' } });
  await stream.send({ event: 'delta', id: 7, data: 'some\nlines\rof\r\ntext' });
  stream.end();
  // What comes in one turn of the event loop is written at once.
  expect(write).not.toHaveBeenCalled();
  stream.end(new AppError('test.late', { status: 500, message: 'Late.' }));
  stream.fail(new Error('too late'));
  const received = await client.until(/\[DONE\]\s+0\r\n\r\n$/);
  expect(eventsOf(received)).toBe(
    'data: {"text":"å\\n\\n"}\n\nevent: delta\nid: 7\ndata: some\ndata: lines\ndata: of\ndata: text\n\ndata: [DONE]\n\n',
  );
  expect(await lineOf('s1')).toMatchObject({ level: 'info', status: 200 });
  expect(stream.closed.aborted).toBe(false);
});

test.each([
  [{}, 'data: {"error":{'],
  [{ errorEvent: { type: 'error', turn_id: 't1' } }, 'event: error\ndata: {"type":"error","turn_id":"t1","error":{'],
])('a stream that fails ends with an error event (%j), without [DONE], and is logged', async (options, begin) => {
  const { client, stream, lineOf } = await openStream(options);
  stream.fail(new Error('secret cause'));
  await stream.send({ data: 'too late' });
  const events = eventsOf(await client.until(/0\r\n\r\n$/));
  expect(events).toContain(begin);
  expect(events).toContain('"code":"http.internal"');
  expect(events).not.toMatch(/DONE|secret|too late/);
  expect(await lineOf('s1')).toMatchObject({ level: 'error', status: 200, code: 'http.internal' });
});

test('the request’s deadline does not cut a stream; the stream’s own budget does', async () => {
  const { client, stream, wasCut } = await openStream({ budgetMs: 400 }, 20);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(wasCut()).toBe(false);
  await stream.send({ data: 'still here' });
  const events = eventsOf(await client.until(/0\r\n\r\n$/));
  expect(events).toContain('data: still here');
  expect(events).toContain('"code":"http.deadline_exceeded"');
});

test('comments keep a stream alive that says nothing for 10 s, without empty lines, at which some clients fail', async () => {
  holdTimers();
  const { client, stream } = await openStream();
  for (const [data, silenceMs] of Object.entries({ a: 9_999, b: 9_999, c: 10_000 })) {
    await stream.send({ data });
    await client.until(new RegExp(`${data}\n`));
    vi.advanceTimersByTime(silenceMs);
  }
  expect(eventsOf(await client.until(/: keep-alive\n/))).toBe('data: a\n\ndata: b\n\ndata: c\n\n: keep-alive\n');
  vi.advanceTimersByTime(10_000);
  await client.until(/(: keep-alive\n[^:]*){2}/);
});

test('a client that leaves is told by `closed`, and sending to it does nothing', async () => {
  const { client, stream, server, lineOf } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.destroy();
  await once(stream.closed, 'abort');
  await stream.send({ data: 'nobody' });
  stream.end();
  expect(await lineOf('s1')).toMatchObject({ status: 499 });
  expect(server.lifecycle.streams.size).toBe(0);
  expect(server.lifecycle.inFlight.size).toBe(0);
});

test('what was not written when the connection was closed is not written any more', async () => {
  const { stream, raw } = await openStream();
  const write = vi.spyOn(raw, 'write');
  void stream.send({ data: 'not yet' });
  raw.emit('close');
  void stream.send({ data: 'no more' });
  await nextTurn();
  expect(write).not.toHaveBeenCalled();
});

test('a stream for a client that left before it opened is closed from the start', async () => {
  const { promise, resolve } = Promise.withResolvers<EventStream>();
  const made = createTestServer((server) => {
    server.get('/stream', { config: { access: 'public' } }, async (request, reply) => {
      if (!request.context.deadline.signal.aborted) await once(request.context.deadline.signal, 'abort');
      resolve(openEventStream(request, reply, { budgetMs: 60_000 }));
      return reply;
    });
  });
  opened.push(made.server);
  const client = connectRaw(await listen(made.server), REQUEST);
  while (made.server.lifecycle.inFlight.size === 0) await nextTurn();
  client.socket.destroy();
  const stream = await promise;
  expect(stream.closed.aborted).toBe(true);
  expect(made.server.lifecycle.streams.size).toBe(0);
});

test('an event that is longer than what may wait reaches a reader who keeps up', async () => {
  const { client, stream } = await openStream();
  await stream.send({ data: 'x'.repeat(1_100_000) });
  stream.end();
  expect(await client.until(/\[DONE\]/)).toContain('xxx');
});

test('a slow reader pauses the source, and loses nothing', async () => {
  const { client, stream } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  const chunk = 'x'.repeat(64_000);
  let sent = 0;
  let isPaused = false;
  const source = (async () => {
    for (; sent < 400; sent++) await stream.send({ data: chunk });
    stream.end();
  })();
  // The source has stopped when turns of the event loop bring nothing more.
  for (let before = -1; !isPaused; before = sent) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    isPaused = sent === before;
  }
  expect(sent).toBeLessThan(400);
  client.socket.resume();
  await source;
  const received = await client.until(/\[DONE\]/);
  expect(eventsOf(received).split('data: x').length - 1).toBe(400);
});

test('a reader for whom more than 1 MiB is queued is disconnected, and not before', async () => {
  const { client, stream, raw } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  const data = 'x'.repeat(64_000);
  let queuedBytes = 0;
  while (!raw.destroyed) {
    queuedBytes = raw.writableLength;
    expect(queuedBytes).toBeLessThan(1024 * 1024 + 65_000);
    void stream.send({ data });
    await nextTurn();
  }
  expect(queuedBytes).toBeGreaterThan(1024 * 1024);
  expect(stream.closed.aborted).toBe(true);
});

test('a reader who takes long to read an event of more than 1 MiB is not disconnected for a keep-alive', async () => {
  holdTimers();
  const { client, stream, raw } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  const taken = stream.send({ data: 'x'.repeat(8 * 1024 * 1024) });
  vi.advanceTimersByTime(20_000);
  expect(raw.writableLength).toBeGreaterThan(1024 * 1024);
  client.socket.resume();
  await taken;
  stream.end();
  expect(await client.until(/\[DONE\]/)).toContain('xxx');
});

/** Sends to a reader who has paused until so much waits that nothing more is taken; resolves when all was taken. */
async function fill(stream: EventStream, raw: ServerResponse): Promise<{ taken: Promise<void> | undefined }> {
  let taken: Promise<void> | undefined;
  for (let turns = 0; turns < 100; turns++) {
    if (!raw.writableNeedDrain) {
      taken = stream.send({ data: 'x'.repeat(64_000) });
      turns = 0;
    }
    await nextTurn();
  }
  return { taken };
}

test.each([false, true])('a reader who takes nothing for 30 s is disconnected, ended: %j', async (isEnded) => {
  holdTimers();
  const { client, stream, raw, server } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  const { taken } = await fill(stream, raw);
  if (isEnded) {
    const write = vi.spyOn(raw, 'write');
    void stream.send({ data: 'in time' });
    stream.end();
    // Its source is told at once.
    await taken;
    void stream.send({ data: 'too late' });
    await nextTurn();
    expect(write).not.toHaveBeenCalled();
  }
  vi.advanceTimersByTime(29_999);
  expect(raw.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(raw.destroyed).toBe(true);
  await expect.poll(() => server.lifecycle.streams.size).toBe(0);
  // Who waits to send more is told.
  await taken;
  expect(vi.getTimerCount()).toBe(0);
});

test('a reader who takes nothing of what a stream ends with is disconnected after 30 s', async () => {
  holdTimers();
  const { client, stream, raw } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  stream.fail(new AppError('test.long', { status: 500, message: 'x'.repeat(20_000_000) }));
  // Its source is told at once.
  expect(stream.closed.aborted).toBe(true);
  vi.advanceTimersByTime(29_999);
  expect(raw.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  expect(raw.destroyed).toBe(true);
});

test('a reader who takes what waits within 30 s is not, until the next time', async () => {
  holdTimers();
  const { client, stream, raw } = await openStream();
  await client.until(/: keep-alive\n/);
  client.socket.pause();
  const { taken } = await fill(stream, raw);
  vi.advanceTimersByTime(29_999);
  void stream.send({ data: 'more, for which nobody waits' });
  await nextTurn();
  client.socket.resume();
  await taken;
  vi.advanceTimersByTime(30_000);
  expect(raw.destroyed).toBe(false);
  client.socket.pause();
  await fill(stream, raw);
  vi.advanceTimersByTime(30_000);
  expect(raw.destroyed).toBe(true);
});
