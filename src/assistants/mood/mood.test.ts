import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type Product, startProduct, type TestUser, useProductWithModel } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { toolCaller } from '../../../test/harness/tool-caller.ts';
import { until } from '../../../test/harness/until.ts';
import { sql } from '../../platform/postgres/index.ts';
import { assistant } from './index.ts';
import type { Entry } from './schemas.ts';

/** What the model reads. */
const happy = { mood: 'happy', score: 0.8, confidence: 0.9, language: 'sv' };

const { product, provider } = useProductWithModel({}, { MODEL_NAME: 'stub' });
let alice: TestUser;

beforeEach(async () => {
  provider.setMode('ok', { text: JSON.stringify(happy) });
  alice = await product.createUser();
});

async function send(user: TestUser, ...[method, path, body]: [string, string, unknown?]) {
  const response = await product.request(user, method, `/api/mood${path}`, body);
  return { status: response.status, headers: response.headers, body: (await response.json()) as never };
}

async function log(user: TestUser, mood_text: string, timestamp?: string): Promise<Entry> {
  const { status, body } = await send(user, 'POST', '/log', { mood_text, ...(timestamp && { timestamp }) });
  expect(status).toBe(201);
  return body;
}

async function listTexts(user: TestUser, query = ''): Promise<string[]> {
  const { body } = await send(user, 'GET', `/get${query}`);
  return (body as { data: Entry[] }).data.map(({ mood_text }) => mood_text);
}

/** Until a server keeps lists in memory: it has heard of all that was written before. */
async function untilHeard(server: Product, user: TestUser): Promise<void> {
  const query = vi.spyOn(server.postgres, 'query');
  await until(async () => {
    query.mockClear();
    await server.request(user, 'GET', '/api/mood/get');
    return !query.mock.calls.some(([statement]) => statement.name === 'mood.list_entries');
  });
  query.mockRestore();
}

const call = toolCaller(product);

test('a mood is read by the model, and listed', async () => {
  const entry = await log(alice, 'Glad idag!', '2026-11-20T08:00:00+01:00');
  expect(entry).toEqual({
    id: expect.any(String),
    object: 'mood.entry',
    mood_text: 'Glad idag!',
    ...happy,
    source: 'model',
    felt_at: '2026-11-20T07:00:00.000Z',
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
  expect((await send(alice, 'GET', '/get')).body).toMatchObject({ object: 'list', data: [entry], has_more: false });
});

test('a reading with a NUL in it is stored without that', async () => {
  provider.setMode('ok', { text: JSON.stringify({ ...happy, mood: 'hap\0py' }) });
  expect(await log(alice, 'Glad idag!')).toMatchObject({ ...happy, source: 'model' });
});

test('the log is listed with the latest first, page by page, by offset, and for a time', async () => {
  for (const day of [2, 4, 1, 3]) await log(alice, `day ${day}`, `2026-11-0${day}T12:00:00Z`);
  expect(await listTexts(alice)).toEqual(['day 4', 'day 3', 'day 2', 'day 1']);
  const first = (await send(alice, 'GET', '/get?limit=3')).body as { has_more: boolean; next_cursor: string };
  expect(first.has_more).toBe(true);
  expect(await listTexts(alice, `?limit=3&cursor=${first.next_cursor}`)).toEqual(['day 1']);
  expect(await listTexts(alice, '?limit=2&offset=1')).toEqual(['day 3', 'day 2']);
  // Left out once, not on every page.
  const second = (await send(alice, 'GET', '/get?limit=1&offset=1')).body as { next_cursor: string };
  expect(await listTexts(alice, `?limit=1&offset=1&cursor=${second.next_cursor}`)).toEqual(['day 2']);
  expect(await listTexts(alice, '?from=2026-11-02T12:00:00Z&to=2026-11-04T12:00:00Z')).toEqual(['day 3', 'day 2']);
  expect((await send(alice, 'GET', '/get?limit=1001')).status).toBe(400);
});

test('a repeated POST with an Idempotency-Key asks the model once, stores one entry and answers it again', async () => {
  const asked = provider.requestCount;
  const post = (mood_text: string) =>
    fetch(`${product.url}/api/mood/log`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.key}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: JSON.stringify({ mood_text }),
    });
  const first = await (await post('Glad idag!')).json();
  const second = await post('Glad idag!');
  expect(await second.json()).toEqual(first);
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  expect(await listTexts(alice)).toEqual(['Glad idag!']);
  expect((await post('something else')).status).toBe(422);
  expect(provider.requestCount).toBe(asked + 1);
});

test('of ten equal requests at once with one Idempotency-Key, one asks the model, and all are answered the same', async () => {
  const asked = provider.requestCount;
  const post = async (mood_text: string) => {
    const response = await fetch(`${product.url}/api/mood/log`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.key}`, 'content-type': 'application/json', 'idempotency-key': 'ten' },
      body: JSON.stringify({ mood_text }),
    });
    const isReplay = response.headers.get('idempotent-replayed') === 'true';
    return { status: response.status, isReplay, body: (await response.json()) as Entry };
  };
  const answers = await Promise.all(Array.from({ length: 10 }, () => post('Glad idag!')));
  expect(provider.requestCount - asked).toBe(1);
  expect(answers.filter(({ isReplay }) => isReplay)).toHaveLength(9);
  for (const { status, body } of answers) expect([status, body]).toEqual([201, answers[0]?.body]);
  expect(await listTexts(alice)).toEqual(['Glad idag!']);
});

test('a key of another request is refused before the model is asked, also while that one is worked on', async () => {
  const asked = provider.requestCount;
  const claim = sql`
    -- test.claim_for_another
    insert into idempotency_keys (user_id, key, fingerprint) values (${alice.userId}, 'held', 'another')`;
  await product.postgres.query(claim, testContext());
  const response = await fetch(`${product.url}/api/mood/log`, {
    method: 'POST',
    headers: { authorization: `Bearer ${alice.key}`, 'content-type': 'application/json', 'idempotency-key': 'held' },
    body: JSON.stringify({ mood_text: 'Glad idag!' }),
  });
  expect([response.status, provider.requestCount - asked]).toEqual([422, 0]);
});

test('each request asks the database once', async () => {
  const query = vi.spyOn(product.postgres, 'query');
  await log(alice, 'counted');
  await send(alice, 'GET', '/get');
  const names = query.mock.calls.map(([statement]) => statement.name).filter((name) => name.startsWith('mood.'));
  query.mockRestore();
  expect(names).toEqual(['mood.insert_entries', 'mood.list_entries']);
});

describe('a list is read from memory', () => {
  /** How many lists were read in the database meanwhile. */
  async function countReads(work: () => Promise<unknown>): Promise<number> {
    const query = vi.spyOn(product.postgres, 'query');
    await work();
    const names = query.mock.calls.map(([statement]) => statement.name);
    query.mockRestore();
    return names.filter((name) => name === 'mood.list_entries').length;
  }

  test('once it was read, until something is logged', async () => {
    await log(alice, 'one');
    await untilHeard(product, alice);
    const reads = await countReads(async () => {
      for (let times = 0; times < 3; times++) expect(await listTexts(alice)).toEqual(['one']);
    });
    expect(reads).toBe(0);
    await log(alice, 'two');
    expect(await listTexts(alice)).toEqual(['two', 'one']);
    expect(await listTexts(alice, '?limit=1')).toEqual(['two']);
  });

  test('until something is logged on another server', async () => {
    const other = await startProduct({}, { beside: product, worksOnJobs: false });
    try {
      await log(alice, 'here');
      await untilHeard(other, alice);
      await log(alice, 'here too');
      const read = async () => {
        const response = await other.request(alice, 'GET', '/api/mood/get');
        return ((await response.json()) as { data: Entry[] }).data.length;
      };
      await until(async () => (await read()) === 2);
      const query = vi.spyOn(other.postgres, 'query');
      expect(await read()).toBe(2);
      expect(query.mock.calls.map(([statement]) => statement.name)).not.toContain('mood.list_entries');
    } finally {
      await other.stop();
    }
  });
});

test('what reading a mood costs counts as the usage of the user', async () => {
  await log(alice, 'Glad idag!');
  await until(async () => {
    const response = await product.request(alice, 'GET', '/v1/me/usage');
    const { data } = (await response.json()) as { data: { model: string; requests: number }[] };
    return data.some(({ model, requests }) => model === 'stub' && requests === 1);
  });
});

describe('a tool', () => {
  test('logs a mood, and lists what was felt', async () => {
    const timestamp = '2026-11-20T12:00:00Z';
    expect(await call(alice, 'mood_log', { mood_text: 'Glad!', timestamp })).toMatchObject({
      entry: { mood_text: 'Glad!', mood: 'happy', felt_at: '2026-11-20T12:00:00.000Z' },
    });
    expect(await call(alice, 'mood_list', { to: timestamp })).toEqual({ entries: [], has_more: false });
    expect(await call(alice, 'mood_list', { from: timestamp })).toMatchObject({ entries: [{ mood_text: 'Glad!' }] });
  });

  test('tells how the mood of a user went, day by day', async () => {
    for (const [score, timestamp] of [
      [1, '2026-11-02T00:00:00Z'],
      [0.5, '2026-11-02T23:59:59Z'],
      [-0.6, '2026-11-04T12:00:00Z'],
      [-1, '2026-11-05T00:00:00Z'],
    ] as const) {
      provider.setMode('ok', { text: JSON.stringify({ ...happy, score }) });
      await log(alice, 'a day', timestamp);
    }
    expect(await call(alice, 'mood_trend', { from: '2026-11-01', to: '2026-11-04' })).toEqual({
      from: '2026-11-01',
      to: '2026-11-04',
      entries: 3,
      score: 0.3,
      days: [
        { day: '2026-11-02', entries: 2, score: 0.75 },
        { day: '2026-11-04', entries: 1, score: -0.6 },
      ],
    });
    expect(await call(alice, 'mood_trend', { from: '2025-01-01', to: '2025-01-02' })).toMatchObject({ score: null });
    expect(await call(alice, 'mood_trend', { from: '2027-03-01', to: '2028-02-29' })).toMatchObject({ score: null });
    const tooLong = call(alice, 'mood_trend', { from: '2027-02-28', to: '2028-02-29' });
    await expect(tooLong).rejects.toMatchObject({ code: 'mood.trend_too_long' });
  });

  test("reads nothing of another user's", async () => {
    await log(alice, 'a secret');
    const bob = await product.createUser();
    expect(await call(bob, 'mood_list', { userId: alice.userId })).toMatchObject({ entries: [] });
    expect(await listTexts(bob)).toEqual([]);
  });
});

test('a long log is erased in pages', async () => {
  const fill = sql`
    -- test.fill_log
    insert into mood.entries (user_id, id, mood_text, mood, score, confidence, language, source, felt_at)
    select ${alice.userId}::uuid, gen_random_uuid(), 'Glad!', 'happy', 1, 1, 'sv', 'lexicon', now()
    from generate_series(1, 1200)`;
  await product.postgres.query(fill, testContext());
  const query = vi.spyOn(product.postgres, 'query');
  await product.server.installed.eraseUser(alice.userId, testContext());
  const pages = await Promise.all(
    query.mock.calls.flatMap(([{ name }], i) => (name === 'mood.delete_entries' ? [query.mock.results[i]?.value] : [])),
  );
  query.mockRestore();
  expect(pages.map((rows) => rows.length)).toEqual([500, 500, 200]);
  expect(await listTexts(alice)).toEqual([]);
});

test('all that is stored about a user is exported, and erased for that user alone', async () => {
  const bob = await product.createUser();
  for (const text of ['one', 'two']) await log(alice, text);
  await log(bob, 'stays');
  const { installed } = product.server;
  const exported = await Array.fromAsync(installed.exportUser(alice.userId, testContext()));
  expect(exported).toMatchObject([
    { assistant: 'mood', entry: { mood_text: 'two' } },
    { assistant: 'mood', entry: { mood_text: 'one' } },
  ]);
  for (let twice = 0; twice < 2; twice++) await installed.eraseUser(alice.userId, testContext());
  expect(await call(alice, 'mood_list', {})).toMatchObject({ entries: [] });
  expect(await listTexts(bob)).toEqual(['stays']);
});

test('only tools that write nothing say so', () => {
  const reading = assistant.tools.filter(({ writes }) => !writes).map(({ name }) => name);
  expect(reading).toEqual(['list', 'trend']);
});
