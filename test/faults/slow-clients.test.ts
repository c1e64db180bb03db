import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startFaultServer } from './fault-server.ts';
import { createClient, type Send } from './load.ts';

/** A connection of a client that is in no hurry, with what it was sent and whether it was closed. */
interface SlowClient {
  received: string;
  isClosed: boolean;
}

/** Connects, sends the beginning, and then a byte a second of what comes next, over and over. */
function connectSlowly(url: string, beginning: string, next = ''): SlowClient {
  const { hostname, port } = new URL(url);
  const client: SlowClient = { received: '', isClosed: false };
  const socket: Socket = connect(Number(port), hostname, () => socket.write(beginning));
  let sent = 0;
  const timer = setInterval(() => next !== '' && socket.write(next[sent++ % next.length] ?? ''), 1_000);
  socket.setEncoding('utf8').on('data', (text) => {
    client.received += text;
  });
  socket
    .on('error', () => undefined)
    .on('close', () => {
      clearInterval(timer);
      client.isClosed = true;
    });
  onTestFinished(() => void socket.destroy());
  return client;
}

const repeat = <Value>(count: number, make: () => Value): Value[] => Array.from({ length: count }, make);

/** The slowest but one of a hundred requests, one after the other, in milliseconds. All must be answered well. */
async function measureP99Ms(send: Send): Promise<number> {
  const times: number[] = [];
  for (let request = 0; request < 100; request++) {
    const { status, sentAtMs, answeredAtMs } = await send({ path: '/v1/me' });
    expect(status).toBe(200);
    times.push(answeredAtMs - sentAtMs);
  }
  return times.sort((a, b) => a - b)[98] ?? 0;
}

it('500 clients that send nothing, or a byte a second, are answered 408 in time and slow down nobody else', async () => {
  const faulty = await startFaultServer({ SESSION_CREATE_BUDGET_MS: '3000' });
  const { url } = faulty.server;
  const { countFiles } = faulty;
  const send = createClient(faulty);
  await measureP99Ms(send);
  const usualMs = await measureP99Ms(send);
  const usualFiles = countFiles();

  const head = `POST /v1/chat/sessions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${faulty.key}\r\n`;
  const silent = repeat(200, () => connectSlowly(url, ''));
  const inHeaders = repeat(150, () => connectSlowly(url, `${head}x-slow: `, 'a'));
  const inBody = repeat(150, () =>
    connectSlowly(url, `${head}content-type: application/json\r\ncontent-length: 200\r\n\r\n{"title":"`, 'a'),
  );
  await expect.poll(countFiles).toBeGreaterThanOrEqual(usualFiles + 500);
  // Twice the usual, and room for a machine that others use.
  expect(await measureP99Ms(send)).toBeLessThan(2 * usualMs + 500);

  const refused = [...inHeaders, ...inBody];
  await expect
    .poll(() => refused.filter(({ received }) => received.startsWith('HTTP/1.1 408')).length, {
      timeout: 20_000,
      interval: 500,
    })
    .toBe(refused.length);
  await expect.poll(() => silent.filter(({ isClosed }) => !isClosed).length, { timeout: 10_000 }).toBe(0);
  // Who is still sending a body that was refused is no longer listened to.
  await expect.poll(countFiles, { timeout: 10_000, interval: 500 }).toBeLessThanOrEqual(usualFiles * 1.1);
  expect((await send({ path: '/v1/chat/sessions' })).body.data).toHaveLength(1);
});
