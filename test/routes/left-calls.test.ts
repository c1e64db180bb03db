import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { startProduct, type TestUser, useProductWithModel } from '../harness/product.ts';
import { until } from '../harness/until.ts';

const { product, provider } = useProductWithModel();
let user: TestUser;

beforeEach(async () => {
  user = await product.createUser();
});

/** Four hundred characters. */
const content = 'word '.repeat(80);

function complete(more: object, { headers, signal }: { headers?: object; signal?: AbortSignal } = {}) {
  return fetch(`${product.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content }], ...more }),
    ...(signal && { signal }),
  });
}

const read = async <Answer>(path: string) => (await (await product.request(user, 'GET', path)).json()) as Answer;

interface Usage {
  data: unknown[];
  totals: { requests: number; prompt_tokens: number };
}

/** Asks a provider that says nothing; resolves when it was asked. */
async function askInVain(ask: () => Promise<Response>): Promise<{ answer: Promise<Response> }> {
  provider.setMode('no-first-byte');
  const asked = provider.requestCount;
  const answer = ask();
  answer.catch(() => undefined);
  await until(() => provider.requestCount > asked);
  return { answer };
}

async function expectPromptCounted(): Promise<void> {
  await until(async () => (await read<Usage>('/v1/me/usage')).totals.requests > 0);
  const { data, totals } = await read<Usage>('/v1/me/usage');
  expect(data).toMatchObject([{ model: 'stub-model', requests: 1, completion_tokens: 0 }]);
  expect(totals.prompt_tokens).toBeGreaterThan(100);
  expect(totals.prompt_tokens).toBeLessThan(150);
  expect(await read('/v1/me/limits')).toMatchObject({ tokens: { used: totals.prompt_tokens } });
}

const bothWays = [
  ['whole', {}],
  ['streamed', { stream: true }],
] as const;

it.each(bothWays)(
  'a completion, %s, whose client leaves before anything came counts its prompt',
  async (_how, more) => {
    const leaving = new AbortController();
    const { answer } = await askInVain(() => complete(more, { signal: leaving.signal }));
    leaving.abort();
    await expect(answer).rejects.toThrow('abort');
    await expectPromptCounted();
  },
);

it.each(bothWays)('a completion, %s, whose time is up before anything came counts its prompt', async (_how, more) => {
  const headers = { 'x-request-timeout-ms': '800' };
  const { answer } = await askInVain(() => complete(more, { headers }));
  expect(await (await answer).text()).toContain('http.deadline_exceeded');
  await expectPromptCounted();
});

it('a turn that is stopped before anything came counts its prompt', async () => {
  const path = `/v1/chat/sessions/${await product.createSession(user)}`;
  const { answer } = await askInVain(() => product.request(user, 'POST', `${path}/messages`, { content }));
  const { data } = await read<{ data: { turn_id: string }[] }>(`${path}/messages`);
  const stopped = await product.request(user, 'POST', `${path}/turns/${data[0]?.turn_id}/stop`);
  expect(await stopped.json()).toMatchObject({ status: 'stopped', usage: { completion_tokens: 0 } });
  expect((await answer).status).toBe(200);
  await expectPromptCounted();
});

it('a completion and a turn that a server which stops ends before anything came count their prompts', async () => {
  const variables = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model', DRAIN_TIMEOUT_MS: '100' };
  const other = await startProduct(variables);
  onTestFinished(() => other.stop());
  const owner = await other.createUser();
  const id = await other.createSession(owner);
  const body = { messages: [{ role: 'user', content }] };
  await askInVain(() => other.request(owner, 'POST', '/v1/chat/completions', body));
  await askInVain(() => other.request(owner, 'POST', `/v1/chat/sessions/${id}/messages`, { content }));
  await other.server.stop();
  const client = await other.connect();
  const { rows } = await client.query('select requests, prompt_tokens > 200 as are_both from usage_days');
  expect(rows).toEqual([{ requests: 2, are_both: true }]);
});

it('a completion that is left in the pause before it is tried again counts nothing', async () => {
  provider.setMode('http-429', { retryAfter: '30' });
  const leaving = new AbortController();
  const answer = complete({}, { signal: leaving.signal });
  answer.catch(() => undefined);
  const isRefused = async () => JSON.stringify(await read('/health')).includes('models.rate_limited');
  await until(isRefused);
  leaving.abort();
  await expect(answer).rejects.toThrow('abort');
  // Longer than uses are gathered before they are stored.
  await sleep(500);
  expect((await read<Usage>('/v1/me/usage')).data).toEqual([]);
});
