import { expect, test } from 'vitest';
import { sql } from './statement.ts';

test('values become parameters and never text', () => {
  const injected = `'; drop table users; --`;
  const statement = sql`
    -- test.find
    select ${injected}::text as a, ${2}::int as b`;
  expect(statement.text).toContain('select $1::text as a, $2::int as b');
  expect(statement.text).not.toContain('drop table');
  expect(statement.values).toEqual([injected, 2]);
});

test('the first line names the statement', () => {
  const statement = sql`
    -- keys.find_key
    select 1`;
  expect(statement.name).toBe('keys.find_key');
});

test('a statement without a name, with one of another form or over 63 bytes is refused', () => {
  expect(() => sql`select 1`).toThrow('-- feature.statement');
  expect(
    () => sql`
    -- Just a comment
    select 1`,
  ).toThrow('-- feature.statement');
  expect(
    () => sql`
    -- test.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz
    select 1`,
  ).toThrow('63 bytes');
});

test('each call of one call site has the same text and values of its own', () => {
  const find = (id: number) => sql`
    -- test.find
    select ${id}::int`;
  const [first, second] = [find(1), find(2)];
  expect(first.text).toBe(second.text);
  expect([first.values, second.values]).toEqual([[1], [2]]);
});
