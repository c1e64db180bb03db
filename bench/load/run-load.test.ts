import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { listen } from '../../test/harness/listen.ts';
import type { LoadPlan, LoadRequest, LoadResult } from './plan.ts';
import { runLoad } from './run-load.ts';

const hello: LoadRequest = { method: 'GET', path: '/', expectedStatus: 200 };

let server: Server | undefined;

/** Puts load on a server that answers so. */
async function load(answer: RequestListener, plan: Partial<LoadPlan>): Promise<LoadResult> {
  server = createServer(answer);
  const port = await listen(server);
  return runLoad({ port, connections: [[hello]], warmUpMs: 0, measureMs: 300, ...plan });
}

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

test('a closed loop counts as many answers as the server gave', async () => {
  let answered = 0;
  const answer: RequestListener = (_request, response) => {
    answered++;
    response.setHeader('content-length', 2).end('ok');
  };
  const result = await load(answer, { connections: Array(8).fill([hello]) });
  expect(result.answerCount).toBeGreaterThan(0);
  // The last answer of each connection comes after the end.
  expect(answered - result.answerCount).toBeLessThanOrEqual(8);
  expect(result.answerCount).toBeLessThanOrEqual(answered);
  expect(result.errors).toEqual({});
});

test('an unexpected status is an error and not an answer', async () => {
  const result = await load((_request, response) => response.writeHead(503, { 'content-length': 0 }).end(), {});
  expect(result.answerCount).toBe(0);
  expect(Object.keys(result.errors)).toEqual(['status 503']);
  expect(result.latencyMs.p99).toBeNaN();
});

test('a connection that is reset is an error, and the next request takes a new one', async () => {
  let count = 0;
  const answer: RequestListener = (request, response) => {
    if (count++ % 2 === 0) request.socket.resetAndDestroy();
    else response.setHeader('content-length', 0).end();
  };
  const result = await load(answer, {});
  expect(Object.keys(result.errors)).toEqual(['reset']);
  expect(result.answerCount).toBeGreaterThan(1);
});

test('a connection that is refused is an error of its own', async () => {
  let answered = 0;
  const result = await load((_request, response) => {
    response.setHeader('content-length', 0).end();
    if (++answered < 3) return;
    server?.close();
    server?.closeAllConnections();
  }, {});
  const { refused = 0, reset = 0 } = result.errors;
  expect(refused).toBeGreaterThan(1);
  // The one that was under way when the server closed.
  expect(reset).toBeLessThanOrEqual(1);
});

test('an open loop sends what it should, and counts the time from when it should have', async () => {
  const STALL_MS = 400;
  let stalls = true;
  const answer: RequestListener = (_request, response) => {
    const finish = () => response.setHeader('content-length', 0).end();
    if (stalls) setTimeout(finish, STALL_MS);
    else finish();
    stalls = false;
  };
  const result = await load(answer, { measureMs: 500, intervalMs: 50 });
  expect(result.answerCount).toBe(10);
  // The first was stalled; the second left late for it, and its time shows that.
  expect(result.latencyMs.p95).toBeGreaterThanOrEqual(STALL_MS - 1);
  expect(result.latencyMs.p50).toBeGreaterThanOrEqual(STALL_MS - 300);
});

test('what an open loop is not answered is an error', async () => {
  const result = await load(() => {}, { measureMs: 200, intervalMs: 50 });
  expect(result.errors).toEqual({ unanswered: 4 });
}, 30_000);

test('a conditional request carries the last ETag of its connection', async () => {
  const seen: (string | undefined)[] = [];
  const answer: RequestListener = (request: IncomingMessage, response) => {
    const known = request.headers['if-none-match'];
    seen.push(known);
    response.writeHead(known === '"1"' ? 304 : 200, { etag: '"1"', 'content-length': 0 }).end();
  };
  const conditional: LoadRequest = { ...hello, expectedStatus: 304, isConditional: true };
  const result = await load(answer, { connections: [[conditional]] });
  expect(result.errors).toEqual({});
  expect(seen.slice(0, 2)).toEqual([undefined, '"1"']);
});
