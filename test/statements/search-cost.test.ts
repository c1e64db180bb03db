import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { searchSessions } from '../../src/core/chat/queries.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

test('the words that are searched for are read once, not again for each session or message', async () => {
  const page = { userId: '', assistant: null, afterUpdatedAt: null, afterId: null, limit: 50 };
  const { text } = searchSessions({ ...page, words: '' });
  // The plan that connections keep: in it the words are not known yet.
  const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`);
  const plan = rows.map((row) => row['QUERY PLAN']);
  const compared = plan.filter((line) => line.includes('@@'));
  expect(compared).not.toEqual([]);
  expect(compared.filter((line) => line.includes('websearch_to_tsquery'))).toEqual([]);
});
