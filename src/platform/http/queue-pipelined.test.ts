import { afterEach, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen } from '../../../test/harness/http-server.ts';
import { MOST_WAITING } from './queue-pipelined.ts';
import type { HttpServer } from './server.ts';

let opened: HttpServer | undefined;
afterEach(async () => {
  await opened?.close();
});

/** A server with a route whose requests end when they are let, and those of them that have begun. */
async function start() {
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const { server } = createTestServer((made) => {
    made.get<{ Params: { name: string } }>('/held/:name', { config: { access: 'public' } }, async ({ params }) => {
      begun.push(params.name);
      if (params.name === 'first') await first.promise;
      return { done: params.name };
    });
  });
  opened = server;
  const port = await listen(server);
  const othersAreServed = () => connectRaw(port, ask('/livez')).until(/alive/);
  return { server, begun, letFirstEnd: first.resolve, port, othersAreServed };
}

const ask = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;

test('of requests that are sent at once on a connection, one begins when the one before it is answered', async () => {
  const { begun, letFirstEnd, port, othersAreServed } = await start();
  const client = connectRaw(
    port,
    ask('/held/first') + ask('/held/second') + ask('/held/third', 'connection: close\r\n'),
  );
  await expect.poll(() => begun).toEqual(['first']);
  await othersAreServed();
  expect(begun).toEqual(['first']);
  letFirstEnd();
  const received = await client.closed();
  expect(received.match(/"done":"\w+"/g)).toEqual(['"done":"first"', '"done":"second"', '"done":"third"']);
});

test('what a client does not wait for when it leaves is not begun, and its server serves others', async () => {
  const { begun, letFirstEnd, port, othersAreServed } = await start();
  const client = connectRaw(port, ask('/held/first') + ask('/held/second'));
  await expect.poll(() => begun).toEqual(['first']);
  client.socket.destroy();
  await client.closed();
  letFirstEnd();
  await othersAreServed();
  expect(begun).toEqual(['first']);
});

test('a connection on which many requests wait is not read, and then on, until all are answered in their turn', async () => {
  const { server, letFirstEnd, port, othersAreServed } = await start();
  let arrived = 0;
  server.server.on('request', ({ url }) => {
    if (url?.startsWith('/held/')) arrived++;
  });
  const names = Array.from({ length: 20 * MOST_WAITING }, (_, index) => `${index}`);
  const padding = `x-padding: ${'x'.repeat(10_000)}\r\n`;
  const rest = names.map((name) => ask(`/held/${name}`, padding)).join('');
  const client = connectRaw(port, ask('/held/first') + rest);
  await expect.poll(() => arrived).toBeGreaterThan(MOST_WAITING);
  for (let times = 0; times < 50; times++) await othersAreServed();
  expect(arrived).toBeLessThan(3 * MOST_WAITING);
  letFirstEnd();
  const received = await client.until(/"done":"199"/);
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['first', ...names].map(() => 'HTTP/1.1 200'));
  expect(received.match(/"done":"\w+"/g)).toEqual(['first', ...names].map((name) => `"done":"${name}"`));
});
