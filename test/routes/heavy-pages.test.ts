import type { Client } from 'pg';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { encodeCursor } from '../../src/platform/http/index.ts';
import { type TestUser, useProduct } from '../harness/product.ts';

/** What a page has at most. */
const MAX_PAGE_BYTES = 4_000_000;

const product = useProduct();
let client: Client;
let user: TestUser;

beforeAll(async () => {
  user = await product.createUser();
  client = await product.connect();
});

/** What is stored of a message: so many characters of content, of so many bytes each, and so much of tool calls. */
interface Size {
  readonly chars: number;
  readonly char?: string;
  readonly callChars?: number;
}

const startsAt = Date.UTC(2026, 0, 1);
const timeOf = (seq: number): string => new Date(startsAt + seq * 1_000).toISOString();

async function storeMessages(sizes: readonly Size[]): Promise<string> {
  const sessionId = newId();
  await client.query('insert into chat_sessions (user_id, id, message_count) values ($1, $2, $3)', [
    user.userId,
    sessionId,
    sizes.length,
  ]);
  await client.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, content, tool_calls, created_at)
      select $1, $2, seq, gen_random_uuid(), 'assistant', repeat(unit, chars), case when call_chars > 0 then json_build_array(
          json_build_object('id', 'a', 'name', 'look', 'step', 0, 'arguments', '{}'::json, 'result', repeat('r', call_chars),
            'is_error', false)) end,
        $6::timestamptz + make_interval(secs => seq)
      from unnest($3::integer[], $4::text[], $5::integer[]) with ordinality as size (chars, unit, call_chars, seq)`,
    [
      user.userId,
      sessionId,
      sizes.map(({ chars }) => chars),
      sizes.map(({ char = 'a' }) => char),
      sizes.map(({ callChars = 0 }) => callChars),
      timeOf(0),
    ],
  );
  return sessionId;
}

interface Page {
  data: { seq: number; content: string; tool_calls: unknown[] }[];
  has_more: boolean;
  next_cursor: string | null;
}

const pathOf = (sessionId: string): string => `/v1/chat/sessions/${sessionId}/messages`;

async function readPage(sessionId: string, query: string): Promise<Page> {
  const response = await product.request(user, 'GET', `${pathOf(sessionId)}?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

const seqsOf = ({ data }: Pick<Page, 'data'>): number[] => data.map(({ seq }) => seq);

/** Reads a history to its end; answers the seqs of each page. */
async function readOn(sessionId: string, query: string): Promise<number[][]> {
  const pages: number[][] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await readPage(sessionId, `${query}${cursor && `&cursor=${cursor}`}`);
    expect(page.has_more).toBe(page.next_cursor !== null);
    pages.push(seqsOf(page));
    cursor = page.next_cursor;
  }
  return pages;
}

const bytesOf = ({ data }: Page): number =>
  data.reduce((bytes, { content, tool_calls }) => bytes + Buffer.byteLength(content + JSON.stringify(tool_calls)), 0);

describe('a page of large messages', () => {
  it('ends before it has more than 4 MB, in both orders', async () => {
    const session = await storeMessages(Array(20).fill({ chars: 200_000, char: '😀' }));
    for (const [order, seqs] of [
      ['asc', [1, 2, 3, 4, 5]],
      ['desc', [20, 19, 18, 17, 16]],
    ] as const) {
      const page = await readPage(session, `limit=1000&order=${order}`);
      expect(seqsOf(page)).toEqual(seqs);
      expect(page.has_more).toBe(true);
    }
  });

  it('counts what tools were asked and answered', async () => {
    const session = await storeMessages(Array(20).fill({ chars: 10, callChars: 900_000 }));
    const page = await readPage(session, 'limit=1000');
    expect(seqsOf(page)).toEqual([1, 2, 3, 4]);
    expect(bytesOf(page)).toBeLessThan(MAX_PAGE_BYTES);
  });

  it('has one message, however large that is', async () => {
    const session = await storeMessages([{ chars: 1 }, { chars: MAX_PAGE_BYTES + 1 }, { chars: 1 }]);
    expect(await readOn(session, 'limit=1000')).toEqual([[1], [2], [3]]);
    expect(await readOn(session, 'limit=1000&order=desc')).toEqual([[3], [2], [1]]);
  });

  it('is followed by one that leaves nothing out and tells nothing twice, wherever it ends', async () => {
    const [small, half, large] = [{ chars: 1 }, { chars: MAX_PAGE_BYTES / 2 }, { chars: MAX_PAGE_BYTES + 1 }] as const;
    const sizes = [small, half, half, small, large, small, half, small];
    const session = await storeMessages(sizes);
    const all = sizes.map((_size, index) => index + 1);
    for (const order of ['asc', 'desc']) {
      for (const limit of [2, 3, 8]) {
        for (const [offset, after, before] of [
          [0, 0, 9],
          [1, 0, 9],
          [2, 1, 8],
          [0, 4, 6],
        ] as const) {
          const query = `limit=${limit}&order=${order}&offset=${offset}&after=${timeOf(after)}&before=${timeOf(before)}`;
          const asked = all.filter((seq) => seq > after && seq < before);
          if (order === 'desc') asked.reverse();
          expect((await readOn(session, query)).flat(), query).toEqual(asked.slice(offset));
        }
      }
    }
  });
});

describe('a read of several sessions', () => {
  interface History {
    messages: Page['data'];
    has_more: boolean;
    next_cursor: string | null;
  }

  async function readBatch(body: object): Promise<{ histories: History[]; bytes: number }> {
    const response = await product.request(user, 'POST', '/v1/chat/messages/batch', body);
    expect(response.status).toBe(200);
    const text = await response.text();
    return { histories: (JSON.parse(text) as { data: History[] }).data, bytes: Buffer.byteLength(text) };
  }

  it('has no more than 4 MB of all of them, and says where each is read on', async () => {
    const sizes = [{ chars: 300_000 }, { chars: 200_000 }, { chars: 3_000_000 }, { chars: 10 }];
    const sessions: string[] = [];
    while (sessions.length < 8) sessions.push(await storeMessages(sizes));
    const { histories, bytes } = await readBatch({ session_ids: sessions, after: timeOf(0) });
    expect(bytes).toBeLessThan(MAX_PAGE_BYTES * 1.01);
    for (const [index, history] of histories.entries()) {
      expect(seqsOf({ data: history.messages })).toEqual([1, 2]);
      expect(history.has_more).toBe(true);
      const rest = await readPage(sessions[index] ?? '', `after=${timeOf(0)}&cursor=${history.next_cursor}`);
      expect(seqsOf(rest)).toEqual([3, 4]);
    }
  });

  it('has nothing of a session whose first message is too large, and says where that is read', async () => {
    const heavy = await storeMessages([{ chars: 1 }, { chars: 3_000_000 }]);
    const light = await storeMessages([{ chars: 1 }, { chars: 1 }]);
    const empty = await storeMessages([]);
    const { histories } = await readBatch({ session_ids: [heavy, light, empty], after: timeOf(1) });
    expect(histories.map(({ messages, has_more }) => [messages.map(({ seq }) => seq), has_more])).toEqual([
      [[], true],
      [[2], false],
      [[], false],
    ]);
    const rest = await readPage(heavy, `after=${timeOf(1)}&cursor=${histories[0]?.next_cursor}`);
    expect(seqsOf(rest)).toEqual([2]);
  });
});

test('an answer that nothing has changed has no body', async () => {
  const session = await storeMessages([{ chars: 1 }]);
  const paths = [
    pathOf(session),
    `/api/${user.userId}/conversations/${session}/messages`,
    `/v1/chat/sessions/${session}`,
  ];
  for (const path of paths) {
    const headers = { authorization: `Bearer ${user.key}`, 'if-none-match': '*' };
    const response = await fetch(product.url + path, { headers });
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([304, null, '']);
    expect(response.headers.get('etag')).toBe('W/"v1"');
  }
});

test.each(['asc', 'desc'])('a cursor at the last number that a message can have is read on from, %s', async (order) => {
  const session = await storeMessages([{ chars: 1 }, { chars: 1 }]);
  const cursor = encodeCursor(`messages ${session} ${order}  `, [2 ** 31 - 1]);
  const page = await readPage(session, `order=${order}&cursor=${cursor}`);
  expect(seqsOf(page)).toEqual(order === 'asc' ? [] : [2, 1]);
  expect(page).toMatchObject({ has_more: false, next_cursor: null });
});
