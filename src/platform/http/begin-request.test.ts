import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { connectRaw, createTestServer, listen, type RawConnection } from '../../../test/harness/http-server.ts';
import type { HttpServer } from './server.ts';

/** More than any connection holds. */
const LONG = 'x'.repeat(20_000_000);
const REQUEST = 'GET /long HTTP/1.1\r\nhost: x\r\nx-request-id: r1\r\n\r\n';

let server: HttpServer;
afterEach(async () => {
  vi.restoreAllMocks();
  server.server.closeAllConnections();
  await server.close();
});

/** Has the idle time of sockets pass so many times as fast: by a hundred, half a minute in 300 ms. */
function hurrySockets(times = 100): void {
  const { setTimeout: setIdleTime } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'setTimeout').mockImplementation(function (this: Socket, idleMs, listener) {
    return setIdleTime.call(this, idleMs / times, listener);
  });
}

/** A client that has asked for a long answer, whose deadline is soon over, and takes none of it yet. */
async function askFor(long: () => string | Readable, times?: number): Promise<RawConnection> {
  hurrySockets(times);
  ({ server } = createTestServer((routes) => {
    const config = { access: 'public', budgetMs: 50 };
    routes.get('/long', { config }, async (_request, reply) => reply.type('text/plain').send(long()));
  }));
  const client = connectRaw(await listen(server), REQUEST);
  client.socket.pause();
  await expect.poll(() => server.lifecycle.inFlight.size).toBe(1);
  return client;
}

test.each([
  ['a text', () => LONG],
  ['a stream that knows no deadline', () => Readable.from(new Array(1_000).fill(LONG.slice(0, 20_000)))],
])('a client that takes nothing of %s for half a minute is disconnected', async (_, long) => {
  const client = await askFor(long);
  await expect.poll(() => server.lifecycle.inFlight.size, { timeout: 5_000 }).toBe(0);
  client.socket.resume();
  expect((await client.closed()).length).toBeLessThan(LONG.length);
});

test('a client that takes an answer slowly gets all of it, and may ask again', async () => {
  // By less than elsewhere: a busy machine may keep client and server from their work for some 300 ms.
  const client = await askFor(() => LONG, 15);
  // A part of it at a time: less, and the system would not tell the server that there is room again.
  let rest = 0;
  const take = ({ length }: Buffer): void => {
    rest -= length;
    if (rest <= 0) client.socket.pause();
  };
  client.socket.on('data', take);
  const reading = setInterval(() => {
    rest = LONG.length / 6;
    client.socket.resume();
  }, 500);
  await expect.poll(() => client.received().length, { timeout: 20_000 }).toBeGreaterThan(LONG.length);
  clearInterval(reading);
  client.socket.off('data', take);
  client.socket.write(REQUEST.replace('/long', '/livez'));
  client.socket.resume();
  await client.until(/\{"status":"alive"\}$/);
});

test('a request that waited behind such an answer has its own time', async () => {
  hurrySockets();
  ({ server } = createTestServer((routes) => {
    routes.get('/long', { config: { access: 'public', budgetMs: 50 } }, async (_request, reply) => reply.send(LONG));
    routes.get('/slow', { config: { access: 'public', budgetMs: 5_000 } }, async () => {
      await sleep(1_000);
      return { slow: true };
    });
  }));
  const client = connectRaw(await listen(server), REQUEST + REQUEST.replace('/long', '/slow'));
  client.socket.pause();
  // The long answer is overdue by then.
  await sleep(400);
  client.socket.resume();
  await expect.poll(() => client.received().length).toBeGreaterThan(LONG.length);
  await client.until(/\{"slow":true\}$/);
});
