import { beforeEach, expect, it } from 'vitest';
import { type TestUser, useProductWithModel } from '../harness/product.ts';
import { until } from '../harness/until.ts';
import { writeTestFile } from '../harness/write-test-file.ts';

const plansFile = writeTestFile('plans.yaml', 'free: { model_calls_at_once: 3 }');
// There are turns left when it stops.
const { product, provider } = useProductWithModel({}, { PLANS_FILE: plansFile, DRAIN_TIMEOUT_MS: '100' });
let user: TestUser;
/** Of the user's session. */
let path: string;

beforeEach(async () => {
  provider.setMode('no-first-byte');
  user = await product.createUser();
  path = `/v1/chat/sessions/${await product.createSession(user)}`;
});

/** What may be added to a request. */
interface More {
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

const post = (url: string, body: object, { headers, signal }: More = {}) =>
  fetch(product.url + url, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });

const complete = (body: object = {}, more: More = {}) =>
  post('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello' }], ...body }, more);

const send = (more: More = {}) => post(`${path}/messages`, { content: 'Hello' }, more);

/** Begins the three calls that the plan allows, of a provider that is silent: two completions and a turn. */
async function fillUp(ofCompletions: More = {}, ofTurn: More = {}): Promise<void> {
  const asked = provider.requestCount;
  const completions = [complete({}, ofCompletions), complete({ stream: true }, ofCompletions)];
  for (const answer of [...completions, send(ofTurn)]) answer.catch(() => undefined);
  await until(() => provider.requestCount === asked + 3);
}

async function countLeft(): Promise<number> {
  const limits = await (await product.request(user, 'GET', '/v1/me/limits')).json();
  return (limits as { model_calls_at_once: { remaining: number } }).model_calls_at_once.remaining;
}

async function listTurns(): Promise<(string | undefined)[]> {
  const { data } = (await (await product.request(user, 'GET', `${path}/messages`)).json()) as {
    data: { turn_id: string }[];
  };
  return data.map((message) => message.turn_id);
}

it('refuses more than the plan allows, stores nothing of them, and serves other users', async () => {
  await fillUp({}, { headers: { 'idempotency-key': 'first' } });
  expect(await countLeft()).toBe(0);
  for (const refused of [await complete(), await complete({ stream: true }), await send()]) {
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { code: 'limits.model_calls_exceeded' } });
  }
  expect(await listTurns()).toHaveLength(1);
  const metrics = await (await product.request(undefined, 'GET', '/metrics')).text();
  expect(metrics).toMatch(/^evenkeel_limit_refusals_total\{limit="model_calls"\} 3$/m);
  // The same request again needs no room.
  expect((await send({ headers: { 'idempotency-key': 'first' } })).status).toBe(409);
  user = await product.createUser();
  provider.setMode('ok');
  expect((await complete()).status).toBe(200);
});

it('makes room when clients of completions leave, and when a turn is stopped', async () => {
  const leaving = new AbortController();
  await fillUp({ signal: leaving.signal });
  leaving.abort();
  await until(async () => (await countLeft()) === 2);
  const [turnId] = await listTurns();
  await product.request(user, 'POST', `${path}/turns/${turnId}/stop`);
  expect(await countLeft()).toBe(3);
});

it('makes room when the time of completions is up', async () => {
  await fillUp({ headers: { 'x-request-timeout-ms': '800' } });
  await until(async () => (await countLeft()) === 2);
});

// Last, for the breaker opens.
it.each(['ok', '401', 'reset-mid-stream'] as const)(
  'makes room when calls have ended, by a provider that does "%s"',
  async (mode) => {
    provider.setMode(mode);
    const answers = await Promise.all([complete(), complete({ stream: true }), send()]);
    await Promise.all(answers.map((answer) => answer.text()));
    await until(async () => (await countLeft()) === 3);
  },
);
