import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

/** With what JSON in the database would not take. */
const TEXT = 'one two \u0000 three 你好';
const MODEL_BUDGET_MS = 30_000;

const { product, provider } = useProductWithModel(
  {},
  { MODEL_TOTAL_TIMEOUT_MS: String(MODEL_BUDGET_MS), MODEL_FIRST_BYTE_TIMEOUT_MS: '2000' },
);
const user = useUser(product);

beforeEach(() => provider.setMode('ok', { text: TEXT, delayMs: 0 }));

const question = (fields: object = {}) => ({ messages: [{ role: 'user', content: 'Hello' }], ...fields });

interface Asked {
  readonly key: string;
  readonly as?: TestUser;
  readonly signal?: AbortSignal;
}

async function ask(body: object, { key, as = user, signal }: Asked) {
  const response = await fetch(`${product.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${as.key}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  const { status, headers } = response;
  return { status, headers, isReplay: headers.get('idempotent-replayed') === 'true', text: await response.text() };
}

const codeOf = (answer: { text: string }): string =>
  (JSON.parse(answer.text) as { error: { code: string } }).error.code;

/** What a stream says, and how it ends. */
function read(stream: string) {
  const data = [...stream.matchAll(/^data: (.*)$/gm)].map(([, event = '']) => event);
  const chunks = data.filter((event) => event !== '[DONE]').map((event) => JSON.parse(event));
  const said = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  const finish = chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean);
  return { said, finish, usage: chunks.at(-1)?.usage ?? null, isWhole: data.at(-1) === '[DONE]', count: chunks.length };
}

/** Makes the claim of a key look as if it were made so long ago. */
async function age(key: string, byMs: number): Promise<void> {
  const statement = sql`
    -- test.age_claim
    update idempotency_keys set created_at = created_at - make_interval(secs => ${byMs / 1000})
    where user_id = ${user.userId} and key = ${key}`;
  await product.postgres.query(statement, testContext());
}

it('a whole answer is given again as it was, and the model is asked once', async () => {
  const key = newId();
  const asked = provider.requests.length;
  const first = await ask(question(), { key });
  const again = await ask(question(), { key });
  expect([first.status, first.isReplay, again.status, again.isReplay]).toEqual([200, false, 200, true]);
  expect(again.text).toBe(first.text);
  expect(JSON.parse(first.text).choices[0].message.content).toBe(TEXT);
  expect(provider.requests.length).toBe(asked + 1);
});

it('a whole answer that leaves out what can be filled in is given as OpenAI promises it, and given again as it was', async () => {
  provider.setMode('sparse');
  const key = newId();
  const body = question({ tools: [{ type: 'function', function: { name: 'look_up' } }] });
  const first = await ask(body, { key });
  const again = await ask(body, { key });
  expect([first.status, first.isReplay, again.status, again.isReplay]).toEqual([200, false, 200, true]);
  expect(again.text).toBe(first.text);
  const called = { name: 'look_up', arguments: expect.any(String) };
  const calls = [{ id: expect.stringMatching(/^\w{9}$/), type: 'function', function: called }];
  expect(JSON.parse(first.text)).toEqual({
    id: expect.stringMatching(/^chatcmpl-./),
    object: 'chat.completion',
    created: expect.closeTo(Date.now() / 1000, -2),
    model: 'stub-model',
    choices: [
      { index: 0, finish_reason: 'tool_calls', message: { role: 'assistant', content: null, tool_calls: calls } },
    ],
    usage: expect.objectContaining({ prompt_tokens: 7 }),
  });
});

it.each([{}, { stream_options: { include_usage: true } }])(
  'a stream is given again to its end: %j',
  async (options) => {
    const key = newId();
    const asked = provider.requests.length;
    const first = await ask(question({ stream: true, ...options }), { key });
    const again = await ask(question({ stream: true, ...options }), { key });
    expect([first.isReplay, again.isReplay]).toEqual([false, true]);
    expect(read(first.text)).toMatchObject({ said: TEXT, finish: ['stop'], isWhole: true });
    expect({ ...read(again.text), count: 0 }).toEqual({ ...read(first.text), count: 0 });
    expect(read(again.text).usage === null).toBe(!('stream_options' in options));
    // The pieces of text are one.
    expect(read(again.text).count).toBeLessThan(read(first.text).count);
    expect(provider.requests.length).toBe(asked + 1);
  },
);

it('asked ten times at once it is done once: whole, the others are told to come again; streamed, all get the stream', async () => {
  // So slow that all have asked before there is an answer.
  provider.setMode('ok', { text: 'one two', delayMs: 500 });
  for (const stream of [false, true]) {
    const key = newId();
    const asked = provider.requests.length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(question({ stream }), { key })));
    expect(provider.requests.length).toBe(asked + 1);
    expect(answers.filter(({ status, isReplay }) => status === 200 && !isReplay)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(others.map(codeOf).every((code) => code === 'idempotency.in_progress')).toBe(true);
    expect(others.every(({ status, headers }) => status === 409 && headers.get('retry-after') === '1')).toBe(true);
    expect(others).toHaveLength(stream ? 0 : 9);
    expect((await ask(question({ stream }), { key })).isReplay).toBe(true);
  }
});

it('a stream that runs is joined by the same request, and goes on when the first client leaves', async () => {
  provider.setMode('ok', { text: 'one two three four five six seven eight', delayMs: 100 });
  const key = newId();
  const [asked, aborted] = [provider.requests.length, provider.aborts.length];
  const client = new AbortController();
  const left = ask(question({ stream: true }), { key, signal: client.signal }).catch(() => 'left');
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  await sleep(250);
  const joining = ask(question({ stream: true }), { key });
  await sleep(150);
  client.abort();
  expect(await left).toBe('left');
  const joined = await joining;
  expect([joined.status, joined.isReplay]).toEqual([200, true]);
  const whole = { said: 'one two three four five six seven eight', finish: ['stop'], isWhole: true };
  expect(read(joined.text)).toMatchObject(whole);
  expect(read((await ask(question({ stream: true }), { key })).text)).toMatchObject(whole);
  expect([provider.requests.length, provider.aborts.length]).toEqual([asked + 1, aborted]);
});

it('a stream that is joined and fails before its first chunk is an error, and no earlier answer', async () => {
  provider.setMode('no-first-byte');
  const key = newId();
  const asked = provider.requests.length;
  const first = ask(question({ stream: true }), { key });
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  // The stream is opened after a second without a chunk, and there is none after two.
  await sleep(1_500);
  const joined = await ask(question({ stream: true }), { key });
  expect([joined.status, codeOf(joined), joined.isReplay]).toEqual([504, 'models.timeout', false]);
  expect([(await first).status, provider.requests.length]).toEqual([200, asked + 1]);
});

it('a stream that several read ends at the provider when the last of them leaves, and its key is free again', async () => {
  provider.setMode('ok', { text: 'word '.repeat(100), delayMs: 100 });
  const key = newId();
  const [asked, aborted] = [provider.requests.length, provider.aborts.length];
  const client = new AbortController();
  const askAndLeave = () => ask(question({ stream: true }), { key, signal: client.signal }).catch(() => 'left');
  const left = [askAndLeave()];
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  await sleep(250);
  left.push(askAndLeave());
  await sleep(150);
  client.abort();
  expect(await Promise.all(left)).toEqual(['left', 'left']);
  await expect.poll(() => provider.aborts.length).toBe(aborted + 1);
  provider.setMode('ok', { text: TEXT, delayMs: 0 });
  await expect.poll(async () => (await ask(question({ stream: true }), { key })).status).toBe(200);
  expect(provider.requests.length).toBe(asked + 2);
});

it('another body under the key is refused, also while the first is worked on; another user has keys of their own', async () => {
  provider.setMode('ok', { delayMs: 100 });
  const key = newId();
  const asked = provider.requests.length;
  const first = ask(question(), { key });
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  const other = await ask(question({ temperature: 1 }), { key });
  expect([other.status, codeOf(other)]).toEqual([422, 'idempotency.key_reused']);
  await first;
  expect((await ask(question({ temperature: 1 }), { key })).status).toBe(422);
  const stranger = await ask(question({ temperature: 1 }), { key, as: await product.createUser() });
  expect([stranger.status, stranger.isReplay]).toEqual([200, false]);
});

it.each([false, true])('what failed is done again by the next request (stream: %s)', async (stream) => {
  const key = newId();
  provider.setMode('http-500');
  expect((await ask(question({ stream }), { key })).status).toBe(502);
  provider.setMode('ok', { text: TEXT });
  const again = await ask(question({ stream }), { key });
  expect([again.status, again.isReplay]).toEqual([200, false]);
  expect((await ask(question({ stream }), { key })).isReplay).toBe(true);
});

it.each([false, true])('a request that is refused lets go of its key (stream: %s)', async (stream) => {
  const key = newId();
  const body = question({ stream, model: 'nobody' });
  for (let round = 0; round < 2; round++) expect((await ask(body, { key })).status).toBe(404);
});

it('a stream whose client left is no answer: the next request asks again', async () => {
  provider.setMode('ok', { text: TEXT, delayMs: 100 });
  const key = newId();
  const asked = provider.requests.length;
  const client = new AbortController();
  const left = ask(question({ stream: true }), { key, signal: client.signal }).catch(() => 'left');
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  await sleep(150);
  client.abort();
  expect(await left).toBe('left');
  provider.setMode('ok', { text: TEXT });
  await expect.poll(async () => (await ask(question({ stream: true }), { key })).status).toBe(200);
  expect(provider.requests.length).toBe(asked + 2);
});

it.each([false, true])(
  'an answer too long to be kept is given once, and then said to be (stream: %s)',
  async (stream) => {
    // In few pieces: the provider of the tests makes all of them before it sends the first.
    provider.setMode('ok', { text: `${'long'.repeat(50)} `.repeat(5_500) });
    const key = newId();
    const asked = provider.requests.length;
    expect((await ask(question({ stream }), { key })).status).toBe(200);
    const again = await ask(question({ stream }), { key });
    expect([again.status, codeOf(again)]).toEqual([409, 'idempotency.not_replayable']);
    expect(again.headers.get('x-should-retry')).toBe('false');
    expect(provider.requests.length).toBe(asked + 1);
  },
);

it('the key of a process that died is taken over, and what that process still says of it is refused', async () => {
  provider.setMode('ok', { text: 'early', delayMs: 1_000 });
  const key = newId();
  const asked = provider.requests.length;
  const dying = ask(question(), { key });
  await expect.poll(() => provider.requests.length).toBe(asked + 1);
  await age(key, MODEL_BUDGET_MS - 5_000);
  expect((await ask(question(), { key })).status).toBe(409);
  await age(key, 60_000);
  expect((await ask(question({ temperature: 1 }), { key })).status).toBe(422);
  provider.setMode('ok', { text: 'late' });
  const taken = await ask(question(), { key });
  expect(JSON.parse(taken.text).choices[0].message.content).toBe('late');
  expect((await dying).status).toBe(200);
  // What was answered is there for as long as keys are.
  await age(key, 3_600_000);
  expect(await ask(question(), { key })).toMatchObject({ isReplay: true, text: taken.text });
});
