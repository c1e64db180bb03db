import { expect, inject, test } from 'vitest';
import { ask } from '../../../test/harness/postgres.ts';
import { reservedWords } from './reserved-words.ts';

test('the words that no assistant is called are those that Postgres takes for no schema', async () => {
  const select = "select word from pg_get_keywords() where catcode in ('R', 'T') and word ~ '^[a-z][a-z0-9]*$'";
  const rows = await ask<{ word: string }>(inject('postgresUrl'), select);
  expect([...reservedWords].sort()).toEqual(rows.map(({ word }) => word).sort());
});
