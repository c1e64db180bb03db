import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { listen } from '../test/harness/listen.ts';
import { type DistanceProxy, startDistanceProxy } from './distance.ts';

const DELAY_MS = 20;

let server: Server | undefined;
let proxy: DistanceProxy | undefined;

/** A server that treats each connection so, and a connection to it from afar. */
async function connectFar(serve: (socket: Socket) => void): Promise<Socket> {
  server = createServer({ allowHalfOpen: true }, serve);
  const port = await listen(server);
  proxy = await startDistanceProxy({ target: { host: '127.0.0.1', port }, delayMs: DELAY_MS });
  const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

afterEach(async () => {
  await proxy?.close();
  server?.close();
});

test('a round trip takes the delay at least twice', async () => {
  const socket = await connectFar((far) => far.pipe(far));
  for (let trip = 0; trip < 5; trip++) {
    const startMs = performance.now();
    socket.write('ping');
    const [answer] = await once(socket, 'data');
    const tookMs = performance.now() - startMs;
    expect(String(answer)).toBe('ping');
    expect(tookMs).toBeGreaterThanOrEqual(2 * DELAY_MS);
  }
  socket.destroy();
});

test('every byte arrives, in order, through many chunks that are under way at once', async () => {
  const socket = await connectFar((far) => far.pipe(far));
  const sent = createHash('sha256');
  const received = buffer(socket);
  for (let part = 0; part < 300; part++) {
    const bytes = randomBytes(1 + ((part * 7919) % 150_000));
    sent.update(bytes);
    if (!socket.write(bytes)) await once(socket, 'drain');
  }
  socket.end();
  const digest = createHash('sha256').update(await received);
  expect(digest.digest('hex')).toBe(sent.digest('hex'));
});

test('a reader that pauses gets everything once it reads on', async () => {
  const bytes = randomBytes(40 * 1024 * 1024);
  const socket = await connectFar((far) => far.end(bytes));
  socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 4 * DELAY_MS));
  const received = await buffer(socket);
  expect(received.equals(bytes)).toBe(true);
  socket.end();
});

test('one side ends and still gets the answer of the other', async () => {
  const socket = await connectFar((far) => {
    far.resume().once('end', () => far.end('after your end'));
  });
  socket.end('question');
  expect(String(await buffer(socket))).toBe('after your end');
});

test('a reset of one side resets the other', async () => {
  const socket = await connectFar((far) => {
    far.on('error', () => {}).once('data', () => far.resetAndDestroy());
  });
  socket.write('question');
  const [error] = await once(socket, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});
