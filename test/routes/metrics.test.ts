import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isInstalled } from '../harness/is-installed.ts';
import { startProduct, type TestUser, useProduct } from '../harness/product.ts';
import { sampleOf } from '../harness/sample-of.ts';
import { untilReady } from '../harness/until-ready.ts';
import { startStubProvider } from '../stubs/provider.ts';

const product = useProduct();
let user: TestUser;
let sessionId: string;

beforeAll(async () => {
  await untilReady(product);
  user = await product.createUser();
  sessionId = await product.createSession(user, { title: 'canary-title' });
  await product.request(user, 'POST', `/v1/chat/sessions/${sessionId}/messages`, { content: 'canary-content' });
  await product.request(user, 'GET', '/v1/chat/sessions/canary-id');
  await product.request(user, 'GET', '/canary-path?canary=query');
});

async function scrape(headers: Record<string, string> = {}, from = product) {
  const response = await fetch(`${from.url}/metrics`, { headers });
  return { response, text: await response.text() };
}

const request = (route: string, method: string, status: string): string =>
  `evenkeel_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`;

describe('what is counted', () => {
  test('requests by route, method and class of status, also those that lead nowhere', async () => {
    const { text } = await scrape();
    const messages = '/v1/chat/sessions/:session_id/messages';
    expect(sampleOf(text, request(messages, 'POST', '2xx'))).toBe(1);
    expect(sampleOf(text, request('/v1/chat/sessions/:session_id', 'GET', '4xx'))).toBe(1);
    expect(sampleOf(text, request('none', 'GET', '4xx'))).toBe(1);
    expect(sampleOf(text, 'evenkeel_http_errors_total{code="http.not_found"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_http_errors_total{code="postgres.unavailable"}')).toBe(0);
  });

  test('statements and batches by name, the pool, the cache, breakers and the process', async () => {
    const { text } = await scrape();
    for (const sample of [
      'evenkeel_statement_duration_seconds_count{statement="chat.insert_sessions"}',
      'evenkeel_statement_duration_seconds_count{statement="keys.find_callers"}',
      'evenkeel_batch_callers_sum{statement="chat.insert_sessions"}',
      'evenkeel_batch_wait_seconds_count{statement="keys.find_callers"}',
      'evenkeel_pool_connections{state="idle"}',
      'evenkeel_pool_status{status="HEALTHY"}',
      'evenkeel_cache_hits_total{cache="callers"}',
      'evenkeel_cache_users{cache="callers"}',
      'evenkeel_event_loop_utilisation_ratio',
      'nodejs_eventloop_lag_p99_seconds',
      'process_resident_memory_bytes',
    ]) {
      expect([sample, sampleOf(text, sample)]).toEqual([sample, expect.toSatisfy((value: number) => value > 0)]);
    }
    expect(sampleOf(text, 'evenkeel_breaker_open{part="postgres"}')).toBe(0);
    expect(sampleOf(text, 'evenkeel_turns_running')).toBe(0);
  });

  test.skipIf(!isInstalled('todo'))('the batches of assistants', async () => {
    expect((await product.request(user, 'POST', '/api/todo/items', { title: 'canary-item' })).status).toBe(201);
    const { text } = await scrape();
    expect(sampleOf(text, 'evenkeel_batch_callers_sum{statement="todo.insert_items"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_batch_wait_seconds_count{statement="todo.insert_items"}')).toBe(1);
  });

  test.each([true, false])('the error of a turn that fails, its events streamed: %j', async (stream) => {
    const provider = await startStubProvider({ mode: '400-openai-error' });
    onTestFinished(() => provider.close());
    const failing = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' });
    onTestFinished(() => failing.stop());
    const author = await failing.createUser();
    const path = `/v1/chat/sessions/${await failing.createSession(author)}/messages`;
    const answer = await failing.request(author, 'POST', path, { content: 'Hi', stream });
    expect(await answer.text()).toContain('models.invalid_request');
    const { text } = await scrape({}, failing);
    expect(sampleOf(text, 'evenkeel_http_errors_total{code="models.invalid_request"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_turns_ended_total{status="failed",code="models.invalid_request"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_turns_ended_total{status="completed"}')).toBe(0);
  });

  test('turns that their users stop, and those that complete', async () => {
    const provider = await startStubProvider({ delayMs: 300 });
    onTestFinished(() => provider.close());
    const slow = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' });
    onTestFinished(() => slow.stop());
    const author = await slow.createUser();
    const path = `/v1/chat/sessions/${await slow.createSession(author)}`;
    const running = await slow.request(author, 'POST', `${path}/messages`, { content: 'Hi', stream: true });
    await slow.request(author, 'POST', `${running.headers.get('location')}/stop`);
    await running.text();
    provider.setMode('ok', { delayMs: 0 });
    await slow.request(author, 'POST', `${path}/messages`, { content: 'Hi' });
    const { text } = await scrape({}, slow);
    expect(sampleOf(text, 'evenkeel_turns_ended_total{status="stopped"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_turns_ended_total{status="completed"}')).toBe(1);
    expect(sampleOf(text, 'evenkeel_turns_ended_total{status="failed",code="models.timeout"}')).toBe(0);
  });

  test('nothing of a user: no id, title, content, path or query', async () => {
    const { text } = await scrape();
    for (const canary of ['canary', user.userId, user.key, sessionId]) expect(text).not.toContain(canary);
  });
});

test('the reference page lists exactly the metrics of a running server', async () => {
  const { text } = await scrape();
  const page = readFileSync(`${import.meta.dirname}/../../docs/reference/metrics.md`, 'utf8');
  const documented = [...page.matchAll(/^\| `(\w+)` \| (\w+)/gm)].map(([, name, type]) => `${name} ${type}`);
  const served = [...text.matchAll(/^# TYPE (evenkeel_\w+ \w+)$/gm)].map(([, metric]) => metric);
  expect(documented.length).toBeGreaterThan(20);
  expect(served.toSorted()).toEqual(documented.toSorted());
});

describe('who may read them', () => {
  test('programs on the same machine, not those that a proxy of this machine speaks for', async () => {
    expect((await scrape()).response.status).toBe(200);
    for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
      const { response, text } = await scrape({ [header]: 'for=127.0.0.1' });
      expect(response.status).toBe(401);
      expect(JSON.parse(text).error.code).toBe('telemetry.token_required');
    }
  });

  test('programs that speak HTTP/1.1, not nginx, which names nobody unless it is told to', async () => {
    const socket = connect(Number(new URL(product.url).port), '127.0.0.1');
    socket.write('GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n');
    expect(await readText(socket)).toMatch(/^HTTP\/1.1 401 /);
  });

  test.each([
    ['127.0.0.1:8000', 200],
    ['[::1]:8000', 200],
    ['localhost:8000', 200],
    ['workstation', 200],
    ['evil.example:8000', 401],
    ['127.0.0.1.evil.example', 401],
    ['8.8.8.8', 401],
    ['evil.example:port', 401],
  ])(
    'programs that ask for this machine, not pages that had their own name lead here: %s is %i',
    async (host, status) => {
      const answer = await product.server.http.inject({ url: '/metrics', headers: { host } });
      expect(answer.statusCode).toBe(status);
    },
  );

  test.each([
    ['::1', 200],
    ['203.0.113.7', 401],
  ])('whoever asks from this machine, whatever others say that they ask for: %s is %i', async (...row) => {
    const [remoteAddress, status] = row;
    const asked = { url: '/metrics', remoteAddress, headers: { host: 'localhost' } };
    expect((await product.server.http.inject(asked)).statusCode).toBe(status);
  });

  test('with METRICS_TOKEN, whoever sends it and nobody else', async () => {
    const guarded = await startProduct({ METRICS_TOKEN: 'a-token-of-the-operator' });
    onTestFinished(() => guarded.stop());
    const { response } = await scrape({ authorization: 'Bearer a-token-of-the-operator' }, guarded);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const others = [{}, { authorization: 'Bearer another' }, { authorization: 'a-token-of-the-operator' }];
    for (const headers of others)
      expect((await scrape(headers as Record<string, string>, guarded)).response.status).toBe(401);
  });
});

test('an answer tells the wait for its batch beside the wait for a connection and the statement', async () => {
  const response = await product.request(user, 'POST', '/v1/chat/sessions', {});
  const steps = (response.headers.get('server-timing') ?? '').split(', ').map((step) => step.split(';')[0]);
  expect(steps).toEqual(['auth', 'queue', 'pool', 'sql', 'total']);
});

test.each([
  [
    'POST /v1/chat/sessions/:session_id/messages',
    () => `/v1/chat/sessions/${sessionId}/messages`,
    { content: 'Hello' },
  ],
  ['POST /api/:user_id/chat', () => `/api/${user.userId}/chat`, { message: 'Hello' }],
])('the answer of %s tells the wait for the turn, which is most of its time', async (_route, path, body) => {
  const response = await product.request(user, 'POST', path(), body);
  expect(response.status).toBe(200);
  expect(response.headers.get('server-timing')).toMatch(/, sql;dur=[\d.]+, turn;dur=[\d.]+, total;/);
});
