import { beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { forgetIdempotencyKeys } from '../../src/core/accounts/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { type TestUser, useProductWithModel, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const TEXT = 'one two three';

const { product, provider } = useProductWithModel({ text: TEXT });
const user = useUser(product);

beforeEach(() => provider.setMode('ok', { delayMs: 0 }));

interface Answer {
  status: number;
  replayed: boolean;
  text: string;
}

async function post(path: string, body: unknown, { key, as = user }: { key: string; as?: TestUser }): Promise<Answer> {
  const response = await fetch(product.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${as.key}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, replayed, text: await response.text() };
}

const createSession = () => product.createSession(user);

async function countMessages(session: string): Promise<number> {
  const page = (await (await product.request(user, 'GET', `/v1/chat/sessions/${session}/messages`)).json()) as {
    data: unknown[];
  };
  return page.data.length;
}

const idOf = (answer: Answer): string => (JSON.parse(answer.text) as { id: string }).id;
const codeOf = (answer: Answer): string => (JSON.parse(answer.text) as { error: { code: string } }).error.code;

describe('a session with an Idempotency-Key', () => {
  it('is created once; the same request again gets the same answer, marked', async () => {
    const key = newId();
    const first = await post('/v1/chat/sessions', { title: 'once' }, { key });
    const again = await post('/v1/chat/sessions', { title: 'once' }, { key: `"${key}"` });
    expect([first.status, first.replayed]).toEqual([201, false]);
    expect(again).toEqual({ ...first, replayed: true });
  });

  it('is created once by ten requests at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const key = newId();
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => post('/v1/chat/sessions', { title: 'race' }, { key })),
      );
      expect(new Set(answers.map(idOf)).size).toBe(1);
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    }
  });

  it('refuses another body under the same key, also at the same time', async () => {
    const key = newId();
    const answers = await Promise.all(['one', 'two'].map((title) => post('/v1/chat/sessions', { title }, { key })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    const later = await post('/v1/chat/sessions', { title: 'three' }, { key });
    expect([later.status, codeOf(later)]).toEqual([422, 'idempotency.key_reused']);
  });

  it('is a session of its own for another user with the same key', async () => {
    const key = newId();
    const other = await product.createUser();
    const answers = [
      await post('/v1/chat/sessions', {}, { key }),
      await post('/v1/chat/sessions', {}, { key, as: other }),
    ];
    expect(answers.map(({ status, replayed }) => [status, replayed])).toEqual([
      [201, false],
      [201, false],
    ]);
    expect(new Set(answers.map(idOf)).size).toBe(2);
  });

  it('is not created under a key that is none', async () => {
    for (const key of ['""', 'a b', 'x'.repeat(256), '"open']) {
      const answer = await post('/v1/chat/sessions', {}, { key });
      expect([answer.status, codeOf(answer)], key).toEqual([400, 'idempotency.invalid_key']);
    }
  });
});

describe('an API key with an Idempotency-Key', () => {
  const listIds = async (): Promise<string[]> => {
    const page = await product.request(user, 'GET', '/v1/keys?limit=1000');
    return ((await page.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
  };
  /** The paths that make a key: a new one, and one in place of another. */
  const paths = async () => [
    '/v1/keys',
    `/v1/keys/${idOf(await post('/v1/keys', { name: 'old' }, { key: newId() }))}/rotate`,
  ];
  const bodyFor = (path: string, name: string) => (path === '/v1/keys' ? { name } : { overlap_seconds: name.length });

  it('is made once; the same request again gets the same answer without the secret, which is not stored', async () => {
    for (const path of await paths()) {
      const key = newId();
      const count = (await listIds()).length;
      const first = await post(path, bodyFor(path, 'once'), { key });
      const again = await post(path, bodyFor(path, 'once'), { key });
      expect([first.status, first.replayed, again.status, again.replayed]).toEqual([201, false, 201, true]);
      expect(JSON.parse(again.text)).toEqual({ ...JSON.parse(first.text), key: null });
      expect((await listIds()).length).toBe(count + 1);
      const other = await post(path, bodyFor(path, 'other'), { key });
      expect([other.status, codeOf(other)]).toEqual([422, 'idempotency.key_reused']);
    }
  });

  it('is made once by ten requests at the same time, of which one gets the secret', async () => {
    for (const path of await paths()) {
      const key = newId();
      const count = (await listIds()).length;
      const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, bodyFor(path, 'race'), { key })));
      expect(new Set(answers.map(idOf)).size).toBe(1);
      const secrets = answers.map((answer) => (JSON.parse(answer.text) as { key: string | null }).key);
      expect(secrets.filter((secret) => secret !== null)).toHaveLength(1);
      expect((await listIds()).length).toBe(count + 1);
    }
  });
});

it('a key is forgotten after a day, and not before', async () => {
  const [old, young] = [newId(), newId()];
  const first = await post('/v1/chat/sessions', {}, { key: old });
  await post('/v1/chat/sessions', {}, { key: young });
  const passTime = sql`
    -- test.age_key
    update idempotency_keys set created_at = now() - make_interval(hours => case key when ${old} then 25 else 23 end)
    where user_id = ${user.userId} and key in (${old}, ${young})`;
  await product.postgres.query(passTime, testContext());
  await forgetIdempotencyKeys(product.postgres).run({}, testContext());
  const again = await post('/v1/chat/sessions', {}, { key: old });
  expect([again.replayed, idOf(again) === idOf(first)]).toEqual([false, false]);
  expect((await post('/v1/chat/sessions', {}, { key: young })).replayed).toBe(true);
});

describe('a message with an Idempotency-Key', () => {
  it('asks the model once; the same request again gets the same answer', async () => {
    const session = await createSession();
    const path = `/v1/chat/sessions/${session}/messages`;
    const key = newId();
    const asked = provider.requests.length;
    const first = await post(path, { content: 'Hello' }, { key });
    const again = await post(path, { content: 'Hello' }, { key });
    expect(again).toEqual({ ...first, replayed: true });
    expect(provider.requests.length).toBe(asked + 1);
    expect(await countMessages(session)).toBe(2);
  });

  it('is one turn of ten requests at the same time, each of which gets the answer or is told that it is on its way', async () => {
    const session = await createSession();
    const path = `/v1/chat/sessions/${session}/messages`;
    const key = newId();
    const asked = provider.requests.length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, { content: 'Race' }, { key })));
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([]);
    expect(answers.filter(({ status, replayed }) => status === 200 && !replayed)).toHaveLength(1);
    expect(provider.requests.length).toBe(asked + 1);
    expect(await countMessages(session)).toBe(2);
  });

  it('gets its stored events again when it is streamed again', async () => {
    const session = await createSession();
    const path = `/v1/chat/sessions/${session}/messages`;
    const key = newId();
    const first = await post(path, { content: 'Hello', stream: true }, { key });
    const again = await post(path, { content: 'Hello', stream: true }, { key });
    expect(again.replayed).toBe(true);
    const completed = (answer: Answer) => /^data: .*"message.completed".*$/m.exec(answer.text)?.[0];
    expect(completed(again)).toBe(completed(first));
    expect(again.text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(await countMessages(session)).toBe(2);
  });

  it('joins the stream that still runs, and is 409 where an answer is wanted whole', async () => {
    provider.setMode('ok', { delayMs: 150 });
    const session = await createSession();
    const path = `/v1/chat/sessions/${session}/messages`;
    const key = newId();
    const body = { content: 'Hello', stream: true };
    const first = post(path, body, { key });
    await expect.poll(() => countMessages(session)).toBe(1);
    const joined = await post(path, body, { key });
    expect(joined.text).toBe((await first).text);
    expect(await countMessages(session)).toBe(2);

    const whole = newId();
    const running = post(path, { content: 'Whole' }, { key: whole });
    await expect.poll(() => countMessages(session)).toBe(3);
    const conflicting = await post(path, { content: 'Whole' }, { key: whole });
    expect([conflicting.status, codeOf(conflicting)]).toEqual([409, 'idempotency.in_progress']);
    expect((await running).status).toBe(200);
  });

  it('gets the same error again when its turn failed', async () => {
    provider.setMode('http-500');
    const path = `/v1/chat/sessions/${await createSession()}/messages`;
    const key = newId();
    const first = await post(path, { content: 'Hello' }, { key });
    const again = await post(path, { content: 'Hello' }, { key });
    expect(first.status).toBe(502);
    expect(again).toEqual({ ...first, replayed: true });
  });
});
