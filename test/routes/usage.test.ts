import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { sql } from '../../src/platform/postgres/index.ts';
import { startProduct, type TestUser, useProductWithModel } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { readEvents } from '../harness/turn-events.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';
import { writeTestFile } from '../harness/write-test-file.ts';

const plans = { PLANS_FILE: writeTestFile('plans.yaml', 'free: { tokens_per_month: 1000 }') };
const { product, provider } = useProductWithModel({ text: 'One two three four five six.' }, plans);
let user: TestUser;

beforeEach(async () => {
  provider.setMode('ok');
  user = await product.createUser();
});

interface Usage {
  has_more: boolean;
  data: { day: string; model: string; requests: number; prompt_tokens: number; completion_tokens: number }[];
  totals: { requests: number; prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

async function readUsage(query = ''): Promise<Usage> {
  return (await (await product.request(user, 'GET', `/v1/me/usage${query}`)).json()) as Usage;
}

const complete = (more: object = {}, init: RequestInit = {}) =>
  fetch(`${product.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Count.' }], ...more }),
    ...init,
  });

interface Answer {
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

const today = () => new Date().toISOString().slice(0, 10);

it('is what the provider counted, of completions whole and streamed and of turns', async () => {
  const { usage } = (await (await complete()).json()) as Answer;
  await (await complete({ stream: true })).text();
  const id = await product.createSession(user);
  await (await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Count.' })).text();
  await until(async () => (await readUsage()).totals.requests === 3);
  const { data, totals } = await readUsage();
  expect(data).toEqual([
    {
      day: today(),
      model: 'stub-model',
      requests: 3,
      prompt_tokens: usage.prompt_tokens * 3,
      completion_tokens: usage.completion_tokens * 3,
    },
  ]);
  expect(totals.total_tokens).toBe(usage.total_tokens * 3);
});

it('counts once what came of a stream whose client left', async () => {
  provider.setMode('ok', { delayMs: 50, text: 'word '.repeat(100) });
  const leaving = new AbortController();
  const response = await complete({ stream: true }, { signal: leaving.signal });
  await response.body?.getReader().read();
  leaving.abort();
  await until(async () => (await readUsage()).totals.requests === 1);
  const { totals } = await readUsage();
  expect(totals.completion_tokens).toBeGreaterThan(0);
  expect(totals.completion_tokens).toBeLessThan(50);
  expect(totals.prompt_tokens).toBeGreaterThan(0);
});

it('counts nothing where the provider brought nothing', async () => {
  provider.setMode('401');
  expect((await complete()).status).toBe(502);
  provider.setMode('ok');
  await complete();
  await until(async () => (await readUsage()).totals.requests > 0);
  expect((await readUsage()).totals.requests).toBe(1);
});

it('lets no more than one call over the tokens of the plan, and no turn either', async () => {
  provider.setMode('ok', { delayMs: 100 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => complete({ max_tokens: 600, stream: true })));
  await Promise.all(answers.filter(({ ok }) => ok).map((answer) => answer.text()));
  provider.setMode('ok', { delayMs: 0 });
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  expect(await refused[0]?.json()).toMatchObject({ error: { code: 'limits.tokens_exceeded' } });
  expect(refused[0]?.headers.get('retry-after')).toBe('1');
  const metrics = await (await product.request(undefined, 'GET', '/metrics')).text();
  expect(metrics).toMatch(/^evenkeel_limit_refusals_total\{limit="tokens"\} 18$/m);

  while ((await complete({ max_tokens: 600 })).status === 200);
  const limits = (await (await product.request(user, 'GET', '/v1/me/limits')).json()) as { tokens: object };
  expect(limits.tokens).toMatchObject({ limit: 1000, remaining: 0, resets_at: expect.stringMatching(/-01T00:00:00/) });
  const path = `/v1/chat/sessions/${await product.createSession(user)}/messages`;
  const turn = await product.request(user, 'POST', path, { content: 'Count.' });
  expect([turn.status, Number(turn.headers.get('retry-after')) > 1]).toEqual([429, true]);
  const { data } = (await (await product.request(user, 'GET', path)).json()) as { data: unknown[] };
  expect(data).toEqual([]);
  expect((await complete({ stream: true })).status).toBe(429);
});

it('counts on every server once the user is back on a plan with a limit, though another let it be used without one', async () => {
  const model = { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' };
  const other = await startProduct({ ...model, ...plans }, { beside: product });
  onTestFinished(() => other.stop());
  await untilReady(other);
  const completeThere = async () => {
    const body = { messages: [{ role: 'user', content: 'Count.' }], max_tokens: 10 };
    return (await other.request(user, 'POST', '/v1/chat/completions', body)).status;
  };
  const change = async (plan: string) => {
    await product.request(user, 'PUT', '/v1/me/plan', { plan });
    await until(async () =>
      (await (await other.request(user, 'GET', '/v1/me/plan')).text()).includes(`"id":"${plan}"`),
    );
  };
  expect(await completeThere()).toBe(200);
  await change('unlimited');
  const use = sql`
    -- test.use_tokens
    insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
    values (${user.userId}::uuid, ${today()}::date, 'another', 1, 1000, 1000)`;
  await product.postgres.query(use, testContext());
  await change('free');
  expect(await completeThere()).toBe(429);
});

it('is not needed by a message that is sent again with its key: the turn is there, be it running or over', async () => {
  const id = await product.createSession(user);
  const post = () =>
    fetch(`${product.url}/v1/chat/sessions/${id}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': 'again' },
      body: JSON.stringify({ content: 'Count.', stream: true }),
    });
  provider.setMode('ok', { text: 'One two three four five six.', delayMs: 100 });
  const first = await post();
  const joined = await post();
  expect([joined.status, joined.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
  const told = readEvents(await first.text());
  expect(readEvents(await joined.text())).toEqual(told);
  provider.setMode('ok', { delayMs: 0 });
  while ((await complete({ max_tokens: 600 })).status === 200);
  expect(readEvents(await (await post()).text())).toEqual(told);
});

it('is stored when the server stops', async () => {
  const other = await startProduct({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  const { key } = await other.createUser();
  const body = { messages: [{ role: 'user', content: 'Count.' }] };
  await (await other.request({ key }, 'POST', '/v1/chat/completions', body)).text();
  await other.server.stop();
  const client = await other.connect();
  const { rows } = await client.query('select requests from usage_days');
  expect(rows).toEqual([{ requests: 1 }]);
  await other.stop();
});

it('is added up whole, also where it is too much to be listed', async () => {
  const fill = (models: number) => sql`
    -- test.fill_usage
    insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
    select ${user.userId}::uuid, day, 'model-' || model, 1, 2, 3
    from generate_series(date '2024-01-01', date '2024-12-31', interval '1 day') day, generate_series(1, ${models}::int) model
    on conflict do nothing`;
  const year = '?from=2024-01-01&to=2024-12-31';
  await product.postgres.query(fill(2), testContext());
  expect(await readUsage(year)).toMatchObject({ has_more: false, totals: { requests: 732, total_tokens: 3_660 } });
  const february = await readUsage('?from=2024-02-01&to=2024-02-29');
  expect([february.data.length, february.totals.requests]).toEqual([58, 58]);
  await product.postgres.query(fill(40), testContext());
  const { data, ...rest } = await readUsage(year);
  expect([data.length, data[0]?.day]).toEqual([10_000, '2024-01-01']);
  const totals = { requests: 14_640, prompt_tokens: 29_280, completion_tokens: 43_920, total_tokens: 73_200 };
  expect(rest).toMatchObject({ has_more: true, totals });
});

it('is told of at most 366 days, the first and the last included, as a longer time is told', async () => {
  expect((await product.request(user, 'GET', '/v1/me/usage?from=2025-11-01&to=2026-11-01')).status).toBe(200);
  const refused = await product.request(user, 'GET', '/v1/me/usage?from=2025-10-31&to=2026-11-01');
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('at most 366 days, both')]);
});

it.each(['?from=2026-11-02&to=2026-11-01', '?from=2024-01-01&to=2026-01-01'])('refuses %s', async (query) => {
  const response = await product.request(user, 'GET', `/v1/me/usage${query}`);
  expect([response.status, await response.json()]).toMatchObject([400, { error: { code: 'usage.invalid_range' } }]);
});
