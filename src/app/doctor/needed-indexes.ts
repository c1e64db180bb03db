import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listMigrationFiles } from '../../platform/postgres/index.ts';
import { findMigrationFolders } from '../migration-folders.ts';

/** A statement with its doc comment: the comment's text and the statement's name. */
const DOCUMENTED = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const \w+ =[\s\S]*?\n\s*-- (\w+\.\w+)\n/g;

const CREATION = /^create (?:unique )?index (?:concurrently )?(?:if not exists )?(\w+) on [^;]+;/gim;

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
  const creations = new Map<string, string>();
  for (const { path } of await listMigrationFiles(await findMigrationFolders())) {
    for (const [text, index = ''] of (await readFile(path, 'utf8')).matchAll(CREATION)) {
      const plain = text.replace(/\s+/g, ' ').replace(/ index (?!concurrently )/i, ' index concurrently ');
      creations.set(index, plain);
    }
  }
  return creations;
}
