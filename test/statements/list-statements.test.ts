import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findCollisions } from '../../src/app/assistants/find-collisions.ts';
import { listNeededIndexes, readIndexes } from '../../src/app/doctor/needed-indexes.ts';
import { errorCodes } from '../../src/app/error-codes.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { listStatements, readStatement } from './list-statements.ts';

const statements = await listStatements();

/** Each statement that is made is prepared once on each connection and kept there: more would cost the server memory. */
const MAX_STATEMENTS = 250;

test('every statement of every queries.ts is found', () => {
  const root = join(import.meta.dirname, '..', '..');
  const sources = globSync('src/**/queries.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'));
  const named = sources.flatMap((source) => Array.from(source.matchAll(/^\s*-- (\w+\.\w+)$/gm), ([, name]) => name));
  expect(named.length).toBeGreaterThan(0);
  expect(statements.map(({ name }) => name)).toEqual(named.toSorted());
});

test('names are unique, say the feature and fit into a name of Postgres', () => {
  const names = statements.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(names.filter((name) => !/^[a-z]\w*\.[a-z]\w*$/.test(name) || Buffer.byteLength(name) > 63)).toEqual([]);
  const elsewhere = statements.filter(({ name, file }) => !file.split(/[\\/]/).includes(name.replace(/\..*/, '')));
  expect(elsewhere.map(({ name, file }) => `${name} in ${file}`)).toEqual([]);
});

test('no assistant can have the name that statements of the server begin with', () => {
  const own = statements.filter(({ file }) => !file.startsWith('src/assistants/'));
  const names = new Set(own.map(({ name }) => name.replace(/\..*/, '')));
  const nothing = { description: '', tools: [], exportUser: async function* () {}, eraseUser: async () => {} };
  const assistants = [...names].map((name) => ({ ...nothing, name, instructions: '' }));
  expect(assistants.filter((assistant) => findCollisions([assistant], errorCodes).length === 0)).toEqual([]);
});

test('a connection can keep all statements prepared', () => {
  // The doctor prepares nothing.
  const prepared = statements.filter(({ name }) => !name.startsWith('doctor.'));
  expect(prepared.length).toBeLessThanOrEqual(MAX_STATEMENTS);
});

test('every statement says how many rows it answers', () => {
  expect(statements.filter(({ comment }) => !/\brows?\b/i.test(comment)).map(({ name }) => name)).toEqual([]);
});

test('the doctor looks for every index that a statement names', async () => {
  const needed = new Map<string, string[]>();
  for (const { name, indexes } of statements) {
    for (const index of indexes) needed.set(index, [...(needed.get(index) ?? []), name]);
  }
  const sorted = (lists: Map<string, string[]>) =>
    [...lists].map(([index, names]) => [index, names.toSorted()]).toSorted();
  expect(needed.size).toBeGreaterThan(0);
  expect(sorted(await listNeededIndexes())).toEqual(sorted(needed));
});

describe('a statement is read', () => {
  test('of a function that takes an object', () => {
    const find = (p: { userId: string; page: { limit: number } }) =>
      sql`
        -- test.find
        select ${p.userId}, ${p.page.limit}, ${5}`;
    expect(readStatement(find)).toMatchObject({ name: 'test.find', parameters: ['userId', 'limit', ''] });
    expect(readStatement(find).text).toContain('select $1, $2, $3');
  });

  test('of a function that takes rows', () => {
    const insert = (rows: readonly { userId: string; tags: string[] }[]) =>
      sql`
        -- test.insert
        select ${rows.map((row) => row.userId)}, ${rows.flatMap((row) => row.tags)}, ${rows.length}`;
    expect(readStatement(insert)).toMatchObject({ name: 'test.insert', parameters: ['userId', 'tags', ''] });
  });

  test('of a function that takes nothing', () => {
    const count = () =>
      sql`
        -- test.count
        select 1`;
    expect(readStatement(count)).toMatchObject({ name: 'test.count', parameters: [] });
  });

  test('and what makes none is refused', () => {
    expect(() => readStatement(() => 'select 1')).toThrow('and nothing else');
  });
});

test.each([
  ['One key. Index: api_keys_pkey. One row.', ['api_keys_pkey']],
  ['Both. Indexes: a_pkey, b_recent.', ['a_pkey', 'b_recent']],
  ['None is needed. One row.', []],
])('the indexes of "%s" are read', (comment, indexes) => {
  expect(readIndexes(comment)).toEqual(indexes);
});
