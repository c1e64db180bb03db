import { type Client, escapeLiteral } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { type HistoryQuery, readHistories } from '../../src/core/chat/queries.ts';
import { useTestDatabase } from '../harness/test-database.ts';

const USER_ID = '00000001-0000-7000-8000-000000000000';
const SESSION_ID = '00000002-0000-7000-8000-000000000000';
const MESSAGE_COUNT = 100_000;
const LIMIT = 50;

/** How much more of the database a page may touch than the first page of the same history: a look-up of a time is in it. */
const MAX_RATIO = 1.5;

/** The same with two times to look up. */
const MAX_RATIO_OF_TWO_TIMES = 2;

/** When a message was written: one a second. */
const timeOf = (seq: number): Date => new Date(Date.UTC(2026, 0, 1) + seq * 1_000);

const firstPage: HistoryQuery = {
  userId: USER_ID,
  sessionId: SESSION_ID,
  knownVersion: null,
  after: null,
  before: null,
  afterSeq: null,
  beforeSeq: null,
  offset: 0,
  limit: LIMIT,
  descending: false,
};

const { database } = useTestDatabase();
let client: Client;

beforeAll(async () => {
  client = await database.connect();
  await client.query('set session_replication_role = replica');
  // No page is found by words, and those of a million messages take long to take in.
  await client.query('drop index chat_messages_words');
  await client.query(`insert into chat_sessions (user_id, id, message_count) values ($1, $2, $3)`, [
    USER_ID,
    SESSION_ID,
    MESSAGE_COUNT,
  ]);
  // Others write at the same time: ten messages of theirs between two of this session, as it is with many users.
  await client.query(
    `insert into chat_messages (user_id, session_id, seq, id, role, content, created_at)
      select $1::uuid, case who when 0 then $2::uuid else ('00000003-0000-7000-8000-' || lpad(who::text, 12, '0'))::uuid end,
        seq, gen_random_uuid(), 'user', repeat('words ', 20), $4::timestamptz + make_interval(secs => seq)
      from generate_series(1, $3) seq, generate_series(0, 10) who order by seq, who`,
    [USER_ID, SESSION_ID, MESSAGE_COUNT, timeOf(0)],
  );
  await client.query('vacuum analyze chat_messages, chat_sessions');
}, 180_000);

interface Cost {
  buffers: number;
  rows: number;
}

/** How many buffers the reading of a page touches, and its rows: by the plan for any values, or by one for these. */
async function costOf(planCacheMode: string, change: Partial<HistoryQuery>): Promise<Cost> {
  const { text, values } = readHistories([{ ...firstPage, ...change }]);
  const literals = values.map((value) => {
    const [only] = value as readonly unknown[];
    const element = only instanceof Date ? only.toISOString() : only;
    return element === null ? `'{null}'` : escapeLiteral(`{"${element}"}`);
  });
  await client.query(`set plan_cache_mode = ${planCacheMode}`);
  await client.query(`prepare history as ${text}`);
  const execution = `execute history (${literals.join(', ')})`;
  const { rows } = await client.query(`explain (analyze, buffers, format json) ${execution}`);
  await client.query('deallocate history');
  const { Plan: plan } = rows[0]['QUERY PLAN'][0];
  return { buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], rows: plan['Actual Rows'] };
}

describe.each(['force_generic_plan', 'force_custom_plan'])(
  'with %s, a page costs what the first page costs',
  (mode) => {
    test.each<[string, Partial<HistoryQuery>]>([
      ['from the start, in the middle', { offset: 50_000 }],
      ['from the start, at the end', { offset: 99_950 }],
      ['from the end', { descending: true }],
      ['from the end, in the middle', { descending: true, offset: 50_000 }],
      ['from the end, at the start', { descending: true, offset: 99_950 }],
      ['after a message in the middle', { afterSeq: 50_000 }],
      ['before a message in the middle', { beforeSeq: 50_000, descending: true }],
      ['after a time near the start', { after: timeOf(10) }],
      ['after a time in the middle', { after: timeOf(50_000) }],
      ['after a time near the end', { after: timeOf(99_950) }],
      ['before a time near the start', { before: timeOf(51), descending: true }],
      ['before a time in the middle', { before: timeOf(50_000), descending: true }],
      ['before a time, far from it', { before: timeOf(99_000), offset: 90_000 }],
    ])('%s', async (_where, change) => {
      const first = await costOf(mode, {});
      const page = await costOf(mode, change);
      expect([first.rows, page.rows]).toEqual([LIMIT, LIMIT]);
      expect(page.buffers).toBeLessThanOrEqual(first.buffers * MAX_RATIO);
    });

    test('between two times, but for looking up one more', async () => {
      const first = await costOf(mode, {});
      const page = await costOf(mode, { after: timeOf(20_000), before: timeOf(80_000), offset: 30_000 });
      expect(page.rows).toBe(LIMIT);
      expect(page.buffers).toBeLessThanOrEqual(first.buffers * MAX_RATIO_OF_TWO_TIMES);
    });
  },
);

test('an unchanged history costs less than a page: no message is read', async () => {
  const page = await costOf('force_generic_plan', {});
  const unchanged = await costOf('force_generic_plan', { knownVersion: 1, offset: 50_000 });
  expect(unchanged.rows).toBe(1);
  expect(unchanged.buffers).toBeLessThan(page.buffers / 4);
});
