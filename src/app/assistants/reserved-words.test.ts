import { Client } from 'pg';
import { expect, inject, test } from 'vitest';
import { reservedWords } from './reserved-words.ts';

test('the words that no assistant is called are those that Postgres takes for no schema', async () => {
  const client = new Client({ connectionString: inject('postgresUrl') });
  await client.connect();
  try {
    const { rows } = await client.query(
      "select word from pg_get_keywords() where catcode in ('R', 'T') and word ~ '^[a-z][a-z0-9]*$'",
    );
    expect([...reservedWords].sort()).toEqual(rows.map(({ word }) => word).sort());
  } finally {
    await client.end();
  }
});
