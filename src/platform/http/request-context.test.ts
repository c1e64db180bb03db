import { afterEach, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, signedIn } from '../../../test/harness/http-server.ts';
import { DeadlineExceeded } from '../../base/deadline.ts';
import { isId } from '../../base/ids.ts';
import type { HttpServer } from './server.ts';

const opened: HttpServer[] = [];
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

function start(...args: Parameters<typeof createTestServer>) {
  const made = createTestServer(...args);
  opened.push(made.server);
  return made;
}

/** A server whose one route answers how long its deadline is. */
function startWithBudgetRoute(budgetMs?: number) {
  return start((server) => {
    const config = { access: 'x:read', ...(budgetMs === undefined ? {} : { budgetMs }) };
    server.get('/budget', { config }, async (request) => ({ ms: request.context.deadline.remainingMs() }));
  });
}

test('every answer carries a request id, errors and unknown routes too', async () => {
  const { server } = start();
  for (const url of ['/livez', '/nothing', '/%ff', '/readyz?api_key=x']) {
    const { headers } = await server.inject(url);
    expect(isId(String(headers['x-request-id'])), url).toBe(true);
    expect(headers['server-timing'], url).toMatch(/total;dur=/);
  }
});

test.each([
  ['abc.DEF_1-2', true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['a b', false],
  ['a"b', false],
  ['é', false],
])('a request id of the client is taken only when it is a plain token: %s', async (id, isTaken) => {
  const { server } = start();
  const { headers } = await server.inject({ url: '/livez', headers: { 'x-request-id': id } });
  expect(headers['x-request-id'] === id).toBe(isTaken);
  expect(headers['x-request-id']).toBeTruthy();
});

test('a route has its own budget, and the server’s where it sets none', async () => {
  const ask = async (budgetMs?: number) => {
    const { server } = startWithBudgetRoute(budgetMs);
    return (await server.inject({ url: '/budget', headers: signedIn })).json().ms;
  };
  expect(await ask()).toBeGreaterThan(4000);
  expect(await ask()).toBeLessThanOrEqual(5000);
  expect(await ask(900)).toBeLessThanOrEqual(900);
});

test.each([
  [{ 'x-stainless-timeout': '2' }, 2000],
  [{ 'x-stainless-timeout': '0.5' }, 500],
  [{ 'x-request-timeout-ms': '700' }, 700],
  [{ 'x-request-timeout-ms': '700', 'x-stainless-timeout': '0.3' }, 300],
  [{ 'x-stainless-timeout': '600' }, 5000],
  [{ 'x-stainless-timeout': '0' }, 5000],
  [{ 'x-stainless-timeout': '-1' }, 5000],
  [{ 'x-stainless-timeout': 'soon' }, 5000],
  [{ 'x-request-timeout-ms': '1e1' }, 5000],
  [{ 'x-request-timeout-ms': 'NaN' }, 5000],
])('the client shortens the budget, and nonsense does not: %j', async (headers, expectedMs) => {
  const { server } = startWithBudgetRoute();
  const { ms } = (await server.inject({ url: '/budget', headers: { ...signedIn, ...headers } })).json();
  expect(ms).toBeLessThanOrEqual(expectedMs);
  expect(ms).toBeGreaterThan(expectedMs - 250);
});

test('a request that outlives its budget is answered 503 with Retry-After, also when its handler does not listen', async () => {
  let reason: unknown;
  const { server, lineOf } = start((made) => {
    made.get('/deaf', { config: { access: 'public', budgetMs: 30 } }, (request) => {
      request.context.deadline.signal.addEventListener('abort', () => {
        reason = request.context.deadline.signal.reason;
      });
      return new Promise(() => {});
    });
  });
  const answer = await server.inject('/deaf');
  expect(answer.statusCode).toBe(503);
  expect(answer.json().error).toMatchObject({ code: 'http.deadline_exceeded', type: 'server_error', param: null });
  expect(answer.headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '1000' });
  expect(reason).toBeInstanceOf(DeadlineExceeded);
  expect(await lineOf(String(answer.headers['x-request-id']))).toMatchObject({ level: 'error', status: 503 });
});

test('whatever a handler throws because its deadline ended is told as the deadline', async () => {
  const { server } = start((made) => {
    made.get('/fetch', { config: { access: 'public', budgetMs: 10 } }, async (request) => {
      const { signal } = request.context.deadline;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw new TypeError('terminated');
    });
  });
  expect((await server.inject('/fetch')).json().error.code).toBe('http.deadline_exceeded');
});

test('a client that leaves cancels its request, which is logged as 499', async () => {
  let onCancelled = (_reason: unknown): void => {};
  const cancelled = new Promise((resolve) => {
    onCancelled = resolve;
  });
  let onBegun = (): void => {};
  const begun = new Promise<void>((resolve) => {
    onBegun = resolve;
  });
  const { server, lineOf } = start((made) => {
    made.get('/slow', { config: { access: 'public' } }, async (request) => {
      const { signal } = request.context.deadline;
      onBegun();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      onCancelled(signal.reason);
      throw signal.reason;
    });
  });
  const client = connectRaw(await listen(server), 'GET /slow HTTP/1.1\r\nhost: x\r\nx-request-id: leaver\r\n\r\n');
  await begun;
  client.socket.destroy();
  expect(await cancelled).toMatchObject({ name: 'Cancelled' });
  expect(await lineOf('leaver')).toMatchObject({ level: 'info', status: 499, route: '/slow' });
});

test('an answered request lets go of its deadline without cancelling it', async () => {
  let signal: AbortSignal | undefined;
  const { server, lineOf } = start((made) => {
    made.get('/quick', { config: { access: 'public', budgetMs: 40 } }, async (request) => {
      signal = request.context.deadline.signal;
      return {};
    });
  });
  await listen(server);
  await fetch(`${server.listeningOrigin}/quick`, { headers: { 'x-request-id': 'quick' } });
  await lineOf('quick');
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(signal?.aborted).toBe(false);
});

test('the steps of a request are in Server-Timing and in its one log line', async () => {
  const { server, lines, lineOf } = start((made) => {
    made.get('/things/:id', { config: { access: 'x:read' } }, async (request) => {
      request.context.timings.add('sql', 12.345);
      return {};
    });
  });
  const { headers } = await server.inject({
    url: '/things/secret-thing',
    headers: { ...signedIn, 'x-request-id': 'r1' },
  });
  expect(headers['server-timing']).toMatch(/^sql;dur=12\.3, total;dur=[\d.]+$/);
  const line = await lineOf('r1');
  expect(line).toMatchObject({
    level: 'info',
    msg: 'request',
    method: 'GET',
    route: '/things/:id',
    status: 200,
    user_id: 'user-1',
    timings: { sql: 12.3 },
    total_ms: expect.any(Number),
  });
  expect(lines.filter(({ request_id }) => request_id === 'r1')).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('secret-thing');
});

test('a request id that looks like a key is masked in the log', async () => {
  const { server, lines } = start();
  const id = `ek_${'a'.repeat(49)}`;
  await server.inject({ url: '/livez', headers: { 'x-request-id': id } });
  await expect.poll(() => lines).toMatchObject([{ msg: 'request', route: '/livez' }]);
  expect(JSON.stringify(lines)).not.toContain(id);
});
