import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { useProductWithModel, useUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { readEvents, type StreamedEvent } from '../harness/turn-events.ts';

const TEXT = 'Grüße, 你好, one two three!';

const { product, provider } = useProductWithModel({ text: TEXT }, { MODEL_CHUNK_TIMEOUT_MS: '400' });
const user = useUser(product);

beforeEach(() => provider.setMode('ok', { delayMs: 0 }));

interface MessageAnswer {
  id: string;
  seq: number;
  role: string;
  content: string;
  status: string;
  turn_id: string;
  created_at: string;
}

interface HistoryPage {
  data: MessageAnswer[];
  has_more: boolean;
  next_cursor: string | null;
}

const createSession = () => product.createSession(user);

const messagesOf = (sessionId: string): string => `/v1/chat/sessions/${sessionId}/messages`;

async function post(sessionId: string, content: string): Promise<Response> {
  return await product.request(user, 'POST', messagesOf(sessionId), { content });
}

async function history(sessionId: string, query = ''): Promise<HistoryPage> {
  return (await (await product.request(user, 'GET', `${messagesOf(sessionId)}${query}`)).json()) as HistoryPage;
}

/** The events of a streamed answer, with their ids. */
async function streamEvents(sessionId: string, content: string): Promise<StreamedEvent[]> {
  const response = await product.request(user, 'POST', messagesOf(sessionId), { content, stream: true });
  return readEvents(await response.text());
}

describe('a turn', () => {
  it('stores the message and the answer, in order, and tells the model what was said before', async () => {
    const session = await createSession();
    const answer = (await (await post(session, 'First')).json()) as MessageAnswer;
    expect(answer).toMatchObject({ seq: 2, role: 'assistant', content: TEXT, status: 'complete', model: 'stub-model' });
    await post(session, 'Second');
    const { data } = await history(session);
    expect(data.map(({ seq, role, content }) => [seq, role, content])).toEqual([
      [1, 'user', 'First'],
      [2, 'assistant', TEXT],
      [3, 'user', 'Second'],
      [4, 'assistant', TEXT],
    ]);
    expect(data[1]).toEqual(answer);
    expect(provider.requests.at(-1)?.body.messages).toEqual([
      { role: 'user', content: 'First' },
      { role: 'assistant', content: TEXT },
      { role: 'user', content: 'Second' },
    ]);
  });

  it('streams events with growing ids whose deltas are the answer', async () => {
    const session = await createSession();
    const events = await streamEvents(session, 'Hello');
    expect(events.map(({ id }) => id)).toEqual(events.map((_event, index) => index + 1));
    expect(events.at(0)?.event).toBe('turn.started');
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['message.completed', 'turn.completed']);
    const deltas = events.filter(({ event }) => event === 'message.delta').map(({ data }) => data.delta);
    expect(deltas.join('')).toBe(TEXT);
    const stored = (await history(session)).data[1];
    expect(events.at(-2)?.data).toMatchObject({ message: stored });
  });

  it('goes on when its client leaves', async () => {
    provider.setMode('ok', { delayMs: 50 });
    const session = await createSession();
    const leave = new AbortController();
    const response = await fetch(product.url + messagesOf(session), {
      method: 'POST',
      headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'Hello', stream: true }),
      signal: leave.signal,
    });
    await response.body?.getReader().read();
    leave.abort();
    await expect
      .poll(async () => (await history(session)).data.map(({ status }) => status), { timeout: 10_000 })
      .toEqual(['complete', 'complete']);
    expect((await history(session)).data[1]?.content).toBe(TEXT);
  });

  it('that fails keeps the message and what was written, says why, and is not sent again by clients', async () => {
    const session = await createSession();
    provider.setMode('stall-mid-stream');
    const response = await post(session, 'Hello');
    expect(response.status).toBe(504);
    expect(response.headers.get('x-should-retry')).toBe('false');
    const { data } = await history(session);
    expect(data.map(({ status }) => status)).toEqual(['complete', 'incomplete']);
    expect(TEXT.startsWith(data[1]?.content ?? '-')).toBe(true);
    const turn = await product.request(user, 'GET', `/v1/chat/sessions/${session}/turns/${data[0]?.turn_id}`);
    expect(await turn.json()).toMatchObject({ status: 'failed', error_code: 'models.timeout', answer_seq: 2 });
  });

  it('that fails names its turn, to be answered again, in a conversation that it has just made too', async () => {
    const session = await createSession();
    const ways = [
      () => post(session, 'Hello'),
      () => product.request(user, 'POST', `/api/${user.userId}/chat`, { conversation_id: null, message: 'Hello' }),
    ];
    for (const send of ways) {
      provider.setMode('stall-mid-stream');
      const response = await send();
      expect(response.status).toBe(504);
      const turn = response.headers.get('location') ?? '';
      expect(await (await product.request(user, 'GET', turn)).json()).toMatchObject({ status: 'failed' });
      provider.setMode('ok');
      const answer = await product.request(user, 'POST', `${turn}/retry`, {});
      expect(await answer.json()).toMatchObject({ role: 'assistant', content: TEXT });
      expect(answer.headers.get('location')).toMatch(/^\/v1\/chat\/sessions\/[^/]+\/turns\/[^/]+$/);
      expect(answer.headers.get('location')).not.toBe(turn);
    }
  });

  it('that fails before a word leaves only the message', async () => {
    const session = await createSession();
    provider.setMode('http-500');
    const events = await streamEvents(session, 'Hello');
    expect(events.map(({ event }) => event)).toEqual(['turn.started', 'error']);
    expect(events[1]?.data).toMatchObject({ error: { code: 'models.provider_error' } });
    expect((await history(session)).data.map(({ seq, role }) => [seq, role])).toEqual([[1, 'user']]);
    expect(await (await post(session, 'Again')).json()).toMatchObject({ error: { code: 'models.provider_error' } });
  });

  it('is one of many at once on one session: numbers have no gaps, times do not go back, nothing is lost', async () => {
    const session = await createSession();
    const answers = await Promise.all(Array.from({ length: 60 }, (_value, index) => post(session, `message ${index}`)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const { data } = await history(session, '?limit=1000');
    expect(data.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_value, index) => index + 1));
    expect(data.map(({ created_at }) => created_at)).toEqual(data.map(({ created_at }) => created_at).sort());
    expect(new Set(data.filter(({ role }) => role === 'user').map(({ content }) => content)).size).toBe(60);
  });
});

describe('history', () => {
  let session: string;
  let all: MessageAnswer[];

  beforeAll(async () => {
    session = await createSession();
    const fill = sql`
      -- test.fill_history
      with filled as (
        insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
        select ${user.userId}, ${session}, n, gen_random_uuid(), 'user', 'message ' || n,
          '2026-01-01T00:00:00Z'::timestamptz + (n / 3) * interval '1 second'
        from generate_series(1, 100) n
      )
      update chat_sessions set message_count = 100 where user_id = ${user.userId} and id = ${session}`;
    await product.postgres.query(fill, testContext());
    all = (await history(session, '?limit=1000')).data;
    expect(all).toHaveLength(100);
  });

  const seqs = ({ data }: HistoryPage): number[] => data.map(({ seq }) => seq);

  it('gives the same page by limit and offset as a slice of the whole, in both orders', async () => {
    const numbers = all.map(({ seq }) => seq);
    for (const [limit, offset] of [
      [1, 0],
      [10, 0],
      [10, 95],
      [7, 50],
      [50, 99],
      [5, 100],
      [5, 2_147_483_647],
    ] as const) {
      const query = `?limit=${limit}&offset=${offset}`;
      expect(seqs(await history(session, query)), query).toEqual(numbers.slice(offset, offset + limit));
      const descending = numbers.toReversed().slice(offset, offset + limit);
      expect(seqs(await history(session, `${query}&order=desc`)), query).toEqual(descending);
    }
  });

  it('goes on from a page with an offset, which is left out once', async () => {
    const first = await history(session, '?limit=10&offset=20');
    const second = await history(session, `?limit=10&offset=20&cursor=${first.next_cursor}`);
    expect([...seqs(first), ...seqs(second)]).toEqual(all.map(({ seq }) => seq).slice(20, 40));
  });

  it('gives only what lies between two times', async () => {
    for (const [after, before] of [
      [10, 40],
      [0, 1],
      [33, 34],
      [99, 100],
      [50, 20],
    ] as const) {
      const from = all[after]?.created_at ?? '2027-01-01T00:00:00.000Z';
      const to = all[before]?.created_at ?? '2027-01-01T00:00:00.000Z';
      const expected = all.filter(({ created_at }) => created_at > from && created_at < to).map(({ seq }) => seq);
      const query = `?limit=1000&after=${from}&before=${to}`;
      expect(seqs(await history(session, query)), query).toEqual(expected);
      expect(seqs(await history(session, `${query}&order=desc`)), query).toEqual(expected.toReversed());
    }
  });

  it('is read on by cursor, each message once, in both orders', async () => {
    for (const order of ['asc', 'desc']) {
      const read: number[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await history(session, `?limit=30&order=${order}${cursor && `&cursor=${cursor}`}`);
        read.push(...seqs(page));
        cursor = page.next_cursor;
      }
      expect(read).toEqual(
        order === 'asc' ? seqs({ data: all } as HistoryPage) : seqs({ data: all } as HistoryPage).reverse(),
      );
    }
  });

  it("refuses a cursor that was altered or belongs to another session's history or order", async () => {
    const { next_cursor: cursor } = await history(session, '?limit=10');
    const other = await createSession();
    for (const path of [
      `${messagesOf(other)}?cursor=${cursor}`,
      `${messagesOf(session)}?order=desc&cursor=${cursor}`,
      `${messagesOf(session)}?cursor=${cursor?.slice(0, -2)}AA`,
      `${messagesOf(session)}?cursor=${newId()}`,
    ]) {
      const response = await product.request(user, 'GET', path);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: 'cursor', code: 'http.invalid_cursor' } });
    }
  });

  it('answers 304 to its own ETag, alone or among others, until a message comes', async () => {
    const own = await createSession();
    await post(own, 'Hello');
    const headers = { authorization: `Bearer ${user.key}` };
    const etag = (await fetch(product.url + messagesOf(own), { headers })).headers.get('etag') ?? '';
    const again = async (tags = etag) =>
      await fetch(product.url + messagesOf(own), { headers: { ...headers, 'if-none-match': tags } });
    expect((await again()).status).toBe(304);
    // As a proxy may have rewritten it, and beside ETags of before and of other sessions.
    const others = ['W/"v0"', 'W/"v999999"'];
    for (const tags of [`"another", ${etag}`, etag.replace('W/', ''), '*', [...others, etag], [etag, ...others]])
      expect((await again(String(tags))).status).toBe(304);
    await post(own, 'More');
    for (const tags of [etag, `${etag}, "another"`, others.join(', ')]) {
      const changed = await again(tags);
      expect(changed.status).toBe(200);
      expect(seqs((await changed.json()) as HistoryPage)).toEqual([1, 2, 3, 4]);
    }
  });
});
