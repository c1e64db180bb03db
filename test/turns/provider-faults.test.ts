import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { readEvents } from '../harness/turn-events.ts';
import { writeTestFile } from '../harness/write-test-file.ts';
import { type StubMode, type StubProvider, startStubProvider } from '../stubs/provider.ts';

const TEXT = 'Grüße, 你好, one two three four!';
/** With what Postgres does not take. */
const ERROR_MESSAGE = 'No \0 to half \ud800 of it.';
/** How long a provider in one of the lasting faults may say nothing, in milliseconds. */
const SILENCE_MS = 1_000;

/** What a provider does, what becomes of the turn, and whether there were words before. */
const faults: readonly (readonly [StubMode, string, 'words' | 'nothing'])[] = [
  ['no-first-byte', 'models.timeout', 'nothing'],
  ['headers-only', 'models.timeout', 'nothing'],
  ['stall-mid-stream', 'models.timeout', 'words'],
  ['endless', 'models.timeout', 'words'],
  ['reset-mid-stream', 'models.bad_response', 'words'],
  ['truncated', 'models.bad_response', 'words'],
  ['error-in-stream', 'models.provider_error', 'words'],
  ['malformed-json', 'models.bad_response', 'nothing'],
  ['empty-200', 'models.bad_response', 'nothing'],
  ['says-nothing', 'models.bad_response', 'nothing'],
  ['huge-line', 'models.bad_response', 'nothing'],
  ['redirect', 'models.bad_response', 'nothing'],
  ['404-html', 'models.bad_response', 'nothing'],
  ['http-429', 'models.rate_limited', 'nothing'],
  ['http-500', 'models.provider_error', 'nothing'],
  ['502-html', 'models.provider_error', 'nothing'],
  ['401', 'models.refused', 'nothing'],
  ['400-openai-error', 'models.invalid_request', 'nothing'],
  ['400-flat-error', 'models.invalid_request', 'nothing'],
  ['413-html', 'models.invalid_request', 'nothing'],
];
/** Those in which the provider is left, while it goes on or says nothing. */
const lasting: readonly StubMode[] = ['no-first-byte', 'headers-only', 'stall-mid-stream', 'endless'];
const isLasting = (mode: StubMode) => lasting.includes(mode);
const harmless = ['crlf', 'split-utf8', 'one-byte', 'no-done', 'huge-count', 'loose'] as const;

let provider: StubProvider;
let product: Product;
let user: TestUser;

/** A model for each mode of the stub, none of them tried again. */
function describeModels(): object[] {
  const bounds = { first_byte_timeout_ms: SILENCE_MS, chunk_timeout_ms: SILENCE_MS, total_timeout_ms: 2 * SILENCE_MS };
  const target = { base_url: provider.url, allow_private: true, retries: 0, total_timeout_ms: 30_000 };
  const names = [...faults.map(([mode]) => mode), ...harmless];
  return names.map((mode) => ({
    name: mode,
    targets: [{ ...target, ...(isLasting(mode) && bounds), model: `stub:${mode}` }],
  }));
}

beforeAll(async () => {
  provider = await startStubProvider({ text: TEXT, errorMessage: ERROR_MESSAGE });
  const modelsFile = writeTestFile('models.json', JSON.stringify({ models: describeModels() }));
  // Less than any target may take: what the file says of a target counts, and what runs into it is told as the target's.
  product = await startProduct({ MODELS_FILE: modelsFile, MODEL_TOTAL_TIMEOUT_MS: String(SILENCE_MS / 2) });
  user = await product.createUser();
});

afterAll(async () => {
  await product?.stop();
  await provider?.close();
});

async function readJson<Body>(path: string): Promise<Body> {
  return (await (await product.request(user, 'GET', path)).json()) as Body;
}

/** A turn with a model, streamed to its end. */
async function take(model: string) {
  const id = await product.createSession(user, { model });
  const path = `/v1/chat/sessions/${id}/messages`;
  const startedAtMs = performance.now();
  const key = newId();
  const send = () =>
    fetch(product.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ content: 'Hello', stream: true }),
    });
  const streamed = await (await send()).text();
  const tookMs = performance.now() - startedAtMs;
  const events = readEvents(streamed);
  const turn = await readJson<object>(`/v1/chat/sessions/${id}/turns/${events[0]?.data.turn_id}`);
  const { data } = await readJson<{ data: { role: string; status: string; content: string }[] }>(path);
  return { streamed, events, tookMs, turn, messages: data, again: async () => readEvents(await (await send()).text()) };
}

describe.concurrent('a streamed turn whose provider is in trouble', () => {
  it.each(faults)('of kind %s ends with the error %s after %s, and never as if it were finished', async (...fault) => {
    const [mode, code, before] = fault;
    const { streamed, events, tookMs, turn, messages, again } = await take(mode);
    expect(streamed.startsWith('event: turn.started\n')).toBe(true);
    const kinds = events.map(({ event }) => event);
    expect([kinds[0], kinds.at(-1)]).toEqual(['turn.started', 'error']);
    expect(kinds).not.toContain('turn.completed');
    expect(events.at(-1)?.data).toMatchObject({ error: { code } });
    expect(tookMs).toBeLessThan(10_000);

    const deltas = events.filter(({ event }) => event === 'message.delta').map(({ data }) => data.delta as string);
    const partial = before === 'words' ? [['assistant', 'incomplete', deltas.join('')]] : [];
    expect(messages.map(({ role, status, content }) => [role, status, content])).toEqual([
      ['user', 'complete', 'Hello'],
      ...partial,
    ]);
    expect(deltas.length > 0).toBe(before === 'words');
    if (mode !== 'endless') expect(TEXT.startsWith(deltas.join(''))).toBe(true);
    expect(turn).toMatchObject({ status: 'failed', error_code: code });
    expect(await again()).toEqual(events);
  });

  it.each(harmless)('of kind %s is answered to the letter', async (mode) => {
    const { streamed, events, messages } = await take(mode);
    expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(events.at(-1)?.event).toBe('turn.completed');
    expect(messages[1]).toMatchObject({ status: 'complete', content: TEXT });
  });
});

it('a provider that was given up is left, and none was asked twice', () => {
  const modesOf = (seen: StubProvider['requests']) => seen.map(({ body }) => body.model).sort();
  expect(modesOf(provider.aborts)).toEqual(expect.arrayContaining(lasting.map((mode) => `stub:${mode}`)));
  const asked = [...faults.map(([mode]) => mode), ...harmless].map((mode) => `stub:${mode}`);
  expect(modesOf(provider.requests)).toEqual(asked.sort());
});

it.each(['/v1/chat/completions', '/v1/chat/sessions/:session_id/messages', '/api/:user_id/chat'])(
  'a request to %s may last longer than any model may: its answer has to be stored',
  (path) => {
    const { routes } = product.server.http.lifecycle;
    const budgets = routes
      .filter(({ url, method }) => url === path && method === 'POST')
      .map(({ config }) => config?.budgetMs);
    expect(budgets).toEqual([expect.toSatisfy((budgetMs: number) => budgetMs > 30_000)]);
  },
);
