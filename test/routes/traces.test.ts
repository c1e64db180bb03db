import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { SpanStatusCode } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { openTracing, type Tracing } from '../../src/platform/telemetry/index.ts';
import { connectChat } from '../harness/chat-client.ts';
import { listen } from '../harness/listen.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { until } from '../harness/until.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly flags: number;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly status: { readonly code?: number };
}

interface Sent {
  readonly resourceSpans: { resource: object; scopeSpans: { spans: SentSpan[] }[] }[];
}

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';
const JOB_TRACE = '11111111111111111111111111111111';

const bodies: Sent[] = [];
const paths = new Set<string | undefined>();
const collector = createServer(async (request, response) => {
  paths.add(request.url);
  bodies.push((await json(request)) as Sent);
  response.setHeader('content-type', 'application/json').end('{}');
});
let provider: StubProvider;
let tracing: Tracing;
let product: Product;
let spans: SentSpan[];

beforeAll(async () => {
  const port = await listen(collector);
  const log = createLogger({ level: 'silent' });
  tracing = await openTracing({ endpoint: `http://127.0.0.1:${port}/`, serviceName: 'traced', version: '1.2.3', log });
  provider = await startStubProvider({ text: 'canary-answer' });
  product = await startProduct(
    { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' },
    { startTrace: tracing.start },
  );
  await use();
  await chat();
  await failInStream();
  await runJob();
  await product.stop();
  await tracing.close();
  spans = bodies.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
});

afterAll(async () => {
  await provider.close();
  collector.close();
});

async function use(): Promise<void> {
  const user = await product.createUser();
  const id = await product.createSession(user, { title: 'canary-title' });
  const answer = await fetch(`${product.url}/v1/chat/sessions/${id}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${user.key}`,
      'content-type': 'application/json',
      traceparent: `00-${TRACE_ID}-${CALLER_SPAN}-01`,
    },
    body: JSON.stringify({ content: 'canary-content' }),
  });
  expect(answer.status).toBeLessThan(300);
}

/** A turn over a WebSocket. */
async function chat(): Promise<void> {
  const user = await product.createUser();
  const client = await connectChat(product.url, { headers: { authorization: `Bearer ${user.key}` } });
  client.send({ type: 'message', content: 'canary-frame', client_id: 'a' });
  await client.until(({ type }) => type === 'turn.completed');
  client.socket.close();
}

/** A stream that breaks off after it has begun. */
async function failInStream(): Promise<void> {
  provider.setMode('reset-mid-stream');
  const user = await product.createUser();
  const messages = [{ role: 'user', content: 'canary-question' }];
  const answer = await product.request(user, 'POST', '/v1/chat/completions', { messages, stream: true });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('models.bad_response');
}

async function runJob(): Promise<void> {
  const client = await product.connect();
  const payload = { traceparent: `00-${JOB_TRACE}-${CALLER_SPAN}-01` };
  await client.query('select graphile_worker.add_job($1, $2)', ['accounts.forget_idempotency_keys', payload]);
  await until(async () => {
    const text = await (await fetch(`${product.url}/metrics`)).text();
    return text.includes('evenkeel_job_duration_seconds_count{job="accounts.forget_idempotency_keys"');
  });
}

const find = (name: string, of = TRACE_ID) => spans.find((span) => span.name === name && span.traceId === of);

test("a request is a step of its caller's trace, and its statements and model calls are steps of the request", () => {
  const request = find('POST /v1/chat/sessions/:session_id/messages');
  expect(request?.parentSpanId).toBe(CALLER_SPAN);
  // Kept, and of a parent elsewhere, as OTLP has it.
  expect(request?.flags).toBe(0x301);
  expect(find('chat.start_turns')?.parentSpanId).toBe(request?.spanId);
  expect(find('model')?.parentSpanId).toBe(request?.spanId);
  expect(find('chat.end_turns')?.parentSpanId).toBe(request?.spanId);
});

const OTLP_SERVER = 2;
const OTLP_CLIENT = 3;

test.each([
  [
    'POST /v1/chat/sessions/:session_id/messages',
    OTLP_SERVER,
    {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/sessions/:session_id/messages',
      'http.response.status_code': 200,
    },
  ],
  ['chat.start_turns', OTLP_CLIENT, { 'db.system.name': 'postgresql' }],
  ['model', OTLP_CLIENT, expect.objectContaining({ 'gen_ai.request.model': 'stub-model' })],
])('the step %s says of what kind it is, and what of', (name, kind, attributes) => {
  const span = find(name);
  expect(span?.kind).toBe(kind);
  const found = span?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]) ?? [];
  expect(Object.fromEntries(found)).toEqual(attributes);
});

test('the provider is told the step that asks it', () => {
  expect(provider.requests[0]?.headers.traceparent).toBe(`00-${TRACE_ID}-${find('model')?.spanId}-01`);
});

test('a request without a trace begins one', () => {
  const request = spans.find(({ name }) => name === 'POST /v1/chat/sessions');
  expect(request?.parentSpanId).toBeFalsy();
  expect(request?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(request?.traceId).not.toBe(TRACE_ID);
});

test('a frame of a WebSocket begins a trace, of which the turn that it starts is part', () => {
  const frame = spans.find(({ name }) => name === 'frame message');
  expect(frame?.parentSpanId).toBeFalsy();
  for (const step of ['chat.start_turns', 'model', 'chat.end_turns'])
    expect(find(step, frame?.traceId)?.parentSpanId).toBe(frame?.spanId);
});

test('a request whose stream ends in an error of ours has failed', () => {
  const codes = spans.filter(({ name }) => name === 'POST /v1/chat/completions').map(({ status }) => status.code);
  expect(codes).toEqual([SpanStatusCode.ERROR]);
});

test('a job goes on with the trace that enqueued it', () => {
  const job = find('accounts.forget_idempotency_keys', JOB_TRACE);
  expect(job?.parentSpanId).toBe(CALLER_SPAN);
  expect(spans.filter(({ parentSpanId }) => parentSpanId === job?.spanId).length).toBeGreaterThan(0);
});

test('the collector is told, where it listens, of which service they are, and nothing of a user', () => {
  expect([...paths]).toEqual(['/v1/traces']);
  const text = JSON.stringify(bodies);
  const resource = JSON.stringify(bodies[0]?.resourceSpans[0]?.resource);
  for (const told of ['"traced"', '"1.2.3"']) expect(resource).toContain(told);
  expect(text).not.toContain('canary');
});
