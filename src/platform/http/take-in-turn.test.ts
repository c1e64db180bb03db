import { afterEach, expect, test } from 'vitest';
import type { HttpServer } from './server.ts';
import { MOST_WAITING } from './take-in-turn.ts';
import { connectRaw, createTestServer, listen } from './test-server.ts';

let server: HttpServer | undefined;
afterEach(async () => {
  await server?.close();
});

/** A server with a route whose requests end when they are let, and those of them that have begun. */
async function start() {
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  ({ server } = createTestServer((made) => {
    made.get<{ Params: { name: string } }>('/held/:name', { config: { access: 'public' } }, async ({ params }) => {
      begun.push(params.name);
      if (params.name === 'first') await first.promise;
      return { done: params.name };
    });
  }));
  const port = await listen(server);
  const othersAreServed = () => connectRaw(port, ask('/livez')).until(/alive/);
  return { begun, letFirstEnd: first.resolve, port, othersAreServed };
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

test('more requests than may wait on a connection are refused with 429, in their turn', async () => {
  const { letFirstEnd, begun, port, othersAreServed } = await start();
  const client = connectRaw(port, ask('/held/first') + ask('/held/other').repeat(MOST_WAITING + 2));
  await expect.poll(() => begun).toEqual(['first']);
  await othersAreServed();
  letFirstEnd();
  const received = await client.until(/(?:too_many_waiting[\s\S]*){2}/);
  const statuses = received.match(/HTTP\/1\.1 \d+/g)?.map((line) => Number(line.slice(-3)));
  expect(statuses).toEqual([...Array(MOST_WAITING + 1).fill(200), 429, 429]);
  client.socket.write(ask('/held/last'));
  await client.until(/"done":"last"/);
});
