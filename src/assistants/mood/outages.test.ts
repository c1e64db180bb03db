import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startProduct, type TestUser, useProductWithModel } from '../../../test/harness/product.ts';
import { until } from '../../../test/harness/until.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { Entry } from './schemas.ts';

/** What the model reads. */
const happy = { mood: 'happy', score: 0.8, confidence: 0.9, language: 'sv' };

const { product, provider } = useProductWithModel({}, { MODEL_NAME: 'stub' });
let alice: TestUser;

beforeEach(async () => {
  provider.setMode('ok', { text: JSON.stringify(happy) });
  const other = await product.createUser();
  // After many failures the model is left alone for a moment.
  await until(async () => (await log(other, 'Glad!')).source === 'model');
  alice = await product.createUser();
});

async function log(user: TestUser, moodText: string): Promise<Entry> {
  const response = await product.request(user, 'POST', '/api/mood/log', { mood_text: moodText });
  expect(response.status).toBe(201);
  return (await response.json()) as Entry;
}

test('the log says which request it was whose mood the model could not read', async () => {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const logged = await startProduct(
    { MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub' },
    { log: createLogger({ level: 'warn', destination }) },
  );
  onTestFinished(() => logged.stop());
  provider.setMode('401');
  const answer = await logged.request(await logged.createUser(), 'POST', '/api/mood/log', { mood_text: 'Glad!' });
  const line = lines.find(({ msg }) => msg === 'the model could not read a mood: the lexicon does');
  expect(line).toMatchObject({ assistant: 'mood', request_id: answer.headers.get('x-request-id') });
});

describe('an entry is read by the lexicon', () => {
  test.each(['Sure! The mood is happy.', '{"mood": "happy"}', JSON.stringify({ ...happy, score: 7 }), '[]', ''])(
    'when the model answers %j',
    async (text) => {
      provider.setMode('ok', { text });
      const read = { mood: 'positive', score: 0.6, language: 'sv', source: 'lexicon' };
      expect(await log(alice, 'Glad idag!')).toMatchObject(read);
    },
  );

  test.each(['http-500', 'malformed-json', '401', 'empty-200'] as const)(
    'when the provider does this: %s',
    async (mode) => {
      provider.setMode(mode);
      expect(await log(alice, 'Glad idag!')).toMatchObject({ mood: 'positive', language: 'sv', source: 'lexicon' });
    },
  );

  test('within the time that the request has, when the model does not answer', async () => {
    provider.setMode('no-first-byte');
    const response = await fetch(`${product.url}/api/mood/log`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${alice.key}`,
        'content-type': 'application/json',
        'x-request-timeout-ms': '3000',
      },
      body: JSON.stringify({ mood_text: 'Glad idag!' }),
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ source: 'lexicon' });
  });
});

describe('an entry that the lexicon read', () => {
  let client: Client;

  beforeAll(async () => {
    client = new Client({ connectionString: product.databaseUrl });
    await client.connect();
  });

  afterAll(() => client.end());

  /** The jobs of an entry that are to be done later. */
  async function listWaiting(id: string): Promise<{ attempt: number; hours: number }[]> {
    const { rows } = await client.query(
      `select (payload->>'attempt')::integer as attempt,
        round(extract(epoch from run_at - now()) / 3600)::integer as hours
      from graphile_worker._private_jobs where payload->>'id' = $1`,
      [id],
    );
    return rows;
  }

  /** Has the time come for what waits. */
  async function hurry(id: string): Promise<void> {
    await client.query(
      `select graphile_worker.reschedule_jobs(array_agg(j.id), run_at => now())
      from graphile_worker._private_jobs j where payload->>'id' = $1`,
      [id],
    );
  }

  /** Has alice used all tokens of the month. */
  async function useUpPlan(): Promise<void> {
    await client.query(
      `insert into usage_days (user_id, day, model, requests, prompt_tokens, completion_tokens)
        values ($1, (now() at time zone 'UTC')::date, 'stub', 1, 1000000, 0)`,
      [alice.userId],
    );
  }

  async function find(id: string): Promise<Entry | undefined> {
    const response = await product.request(alice, 'GET', '/api/mood/get');
    return ((await response.json()) as { data: Entry[] }).data.find((entry) => entry.id === id);
  }

  test('is read by the model when that is back', async () => {
    provider.setMode('401');
    const { id, source } = await log(alice, 'Glad idag!');
    expect(source).toBe('lexicon');
    expect(await listWaiting(id)).toEqual([{ attempt: 1, hours: 1 }]);
    expect(await find(id)).toMatchObject({ source: 'lexicon' });
    provider.setMode('ok', { text: JSON.stringify(happy) });
    await hurry(id);
    await until(async () => (await find(id))?.source === 'model');
    expect(await find(id)).toMatchObject({ ...happy, mood_text: 'Glad idag!' });
    await until(async () => (await listWaiting(id)).length === 0);
  });

  test('is tried again hours later, three times in all', async () => {
    provider.setMode('401');
    const { id } = await log(alice, 'Glad idag!');
    for (const [attempt, hours] of [
      [2, 4],
      [3, 12],
    ] as const) {
      await hurry(id);
      await until(async () => (await listWaiting(id)).some((job) => job.attempt === attempt && job.hours === hours));
      await until(async () => (await listWaiting(id)).length === 1);
    }
    await hurry(id);
    await until(async () => (await listWaiting(id)).length === 0);
    expect(await find(id)).toMatchObject({ source: 'lexicon' });
  });

  test('keeps the first reading of the model, however often it is read again', async () => {
    provider.setMode('401');
    const { id } = await log(alice, 'Glad idag!');
    provider.setMode('ok', { text: JSON.stringify(happy) });
    await hurry(id);
    await until(async () => (await find(id))?.source === 'model');
    provider.setMode('ok', { text: JSON.stringify({ ...happy, mood: 'sad' }) });
    const again = { user_id: alice.userId, id, attempt: 1 };
    await client.query(`select graphile_worker.add_job('mood.reread_entry', $1)`, [again]);
    await until(async () => (await listWaiting(id)).length === 0);
    expect(await find(id)).toMatchObject({ mood: 'happy' });
  });

  test('is not read by the model later when the plan of the user was used up', async () => {
    await useUpPlan();
    const asked = provider.requestCount;
    const { id, source } = await log(alice, 'Glad idag!');
    expect([source, provider.requestCount - asked]).toEqual(['lexicon', 0]);
    expect(await listWaiting(id)).toEqual([]);
  });

  test('is not read by the model either when the plan was used up meanwhile', async () => {
    provider.setMode('401');
    const { id } = await log(alice, 'Glad idag!');
    await useUpPlan();
    provider.setMode('ok', { text: JSON.stringify(happy) });
    const asked = provider.requestCount;
    await hurry(id);
    await until(async () => (await listWaiting(id)).length === 0);
    expect([(await find(id))?.source, provider.requestCount - asked]).toEqual(['lexicon', 0]);
  });

  test('is not waited for where there is no model', async () => {
    const offline = await startProduct({}, { beside: product });
    try {
      const response = await offline.request(alice, 'POST', '/api/mood/log', { mood_text: 'Glad idag!' });
      const { id, source } = (await response.json()) as Entry;
      expect(source).toBe('lexicon');
      expect(await listWaiting(id)).toEqual([]);
    } finally {
      await offline.stop();
    }
  });
});

test('clear commands are carried out in a chat without any model', async () => {
  provider.setMode('401');
  const say = await product.startChat(alice, 'mood');
  expect(await say('I feel great today')).toBe('Noted. That sounds very good.');
  expect(await say('jag är ledsen idag')).toBe('Antecknat. Det låter ganska dåligt.');
  expect(await say('hur har jag mått den här veckan?')).toMatch(
    /^Från .* till .* mådde du varken bra eller dåligt \(2 anteckningar\):\n- .*: varken bra eller dåligt$/,
  );
});
