import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listMigrationFiles } from '../../platform/postgres/index.ts';
import { findMigrationFolders } from '../migration-folders.ts';

/** A statement with its doc comment: the comment's text and the statement's name. */
const DOCUMENTED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const \w+ =[\s\S]*?\n\s*-- (\w+\.\w+)\n/g;

const CREATION = /^create (?:unique )?index (?:concurrently )?(?:if not exists )?(\w+) on ([\w.]+)\s[^;]+;/gim;
/** Of an index that was made under another name, beside the one whose place it takes. */
const RENAMING = /^alter index (\w+) rename to (\w+);/gim;
/** A table of many, of which Postgres makes no index concurrently. */
const PARTITIONED = /^create table (\w+) \((?:(?!\n\))[\s\S])*\n\) partition by/gim;

/** The indexes that a doc comment names: `Index: a_pkey.` or `Indexes: a_pkey, b_recent.` */
export function readIndexes(comment: string): string[] {
  const text = comment.replace(/\s+(?:\*\s+)?/g, ' ');
  const [, list = ''] = /\bIndex(?:es)?: ([\w, ]+)/.exec(text) ?? [];
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/**
 * The indexes that the statements of this code rely on, each with the names of those statements. They are read from the doc
 * comments of every `queries.ts` that is there: what these name is exactly what the plans use, as a test sees to.
 */
export async function listNeededIndexes(): Promise<Map<string, string[]>> {
  const source = join(import.meta.dirname, '..', '..');
  const needed = new Map<string, string[]>();
  for await (const file of glob('**/queries.ts', { cwd: source })) {
    for (const [, comment = '', statement = ''] of (await readFile(join(source, file), 'utf8')).matchAll(DOCUMENTED)) {
      for (const index of readIndexes(comment)) needed.set(index, [...(needed.get(index) ?? []), statement]);
    }
  }
  return needed;
}

/** The statements that make our indexes again, by the index's name; none for those that belong to a constraint. */
export async function listIndexCreations(): Promise<Map<string, string>> {
  const files = await listMigrationFiles(await findMigrationFolders());
  const migrations = (await Promise.all(files.map(({ path }) => readFile(path, 'utf8')))).join('\n');
  const partitioned = new Set([...migrations.matchAll(PARTITIONED)].map(([, table]) => table));
  const creations = new Map<string, string>();
  for (const [text, index = '', table = ''] of migrations.matchAll(CREATION)) {
    const start = partitioned.has(table) ? ' index ' : ' index concurrently ';
    creations.set(index, text.replace(/\s+/g, ' ').replace(/ index (?:concurrently )?/i, start));
  }
  for (const [, made = '', index = ''] of migrations.matchAll(RENAMING)) {
    const creation = creations.get(made);
    if (creation !== undefined) creations.set(index, creation.replace(made, index));
    creations.delete(made);
  }
  return creations;
}
