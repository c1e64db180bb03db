import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readIndexes } from '../../src/app/doctor/needed-indexes.ts';
import type { Statement } from '../../src/platform/postgres/index.ts';

/** A statement of the product, as its source gives it. */
export interface ListedStatement {
  readonly name: string;
  readonly text: string;
  /** What the code calls each parameter: `$1` is the first. A batch's array is called like its elements. */
  readonly parameters: readonly string[];
  /** The file it is in, from the repository's root. */
  readonly file: string;
  /** The function that makes it. */
  readonly exportName: string;
  /** Its doc comment as running text; empty when it has none. */
  readonly comment: string;
  /** The indexes that the doc comment says it relies on. */
  readonly indexes: readonly string[];
}

const REPOSITORY = join(import.meta.dirname, '..', '..');
const calledName = Symbol('what the code calls it');

/**
 * Stands for whatever a statement takes: an array of rows, and an object whose every property is another stand-in that
 * knows its name. A statement's text does not depend on its values, so this is enough to have it.
 */
function standIn(name: string): unknown {
  const elements: unknown[] = [];
  return new Proxy(elements, {
    get(target, key) {
      if (key === calledName) return name;
      // The one element, made when it is asked for: each would otherwise make its own without end.
      if (elements.length === 0) elements.push(standIn(name));
      return key in target || typeof key === 'symbol' ? Reflect.get(target, key) : standIn(key);
    },
  });
}

/** What a parameter that came of a stand-in was called; empty for a value that the function made itself. */
function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  const name: unknown = Reflect.get(value, calledName);
  if (typeof name === 'string') return name;
  return Array.isArray(value) ? nameOf(value[0]) : '';
}

function isStatement(value: unknown): value is Statement<unknown> {
  return typeof value === 'object' && value !== null && 'name' in value && 'text' in value && 'values' in value;
}

/** The text and the parameters' names of the statement that a function makes. */
export function readStatement(makeStatement: (parameters: never) => unknown): {
  name: string;
  text: string;
  parameters: string[];
} {
  const statement = makeStatement(standIn('') as never);
  if (!isStatement(statement))
    throw new Error('A queries.ts exports functions that make a statement, and nothing else.');
  return { name: statement.name, text: statement.text, parameters: statement.values.map(nameOf) };
}

/** The doc comments of a file's exported constants, by name, each as running text. */
function readComments(source: string): Map<string, string> {
  const documented = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:const|function) (\w+)/g);
  return new Map(
    Array.from(documented, ([, text = '', name = '']) => [name, text.replace(/\s+(?:\*\s+)?/g, ' ').trim()]),
  );
}

/** Every statement that a queries.ts of the product exports, found in the files, in the order of their names. */
export async function listStatements(): Promise<ListedStatement[]> {
  const statements: ListedStatement[] = [];
  for (const file of globSync('src/**/queries.ts', { cwd: REPOSITORY })) {
    const path = join(REPOSITORY, file);
    const comments = readComments(readFileSync(path, 'utf8'));
    const exported: Record<string, unknown> = await import(pathToFileURL(path).href);
    for (const [exportName, makeStatement] of Object.entries(exported)) {
      if (typeof makeStatement !== 'function') throw new Error(`${file} exports ${exportName}, which is no function.`);
      const comment = comments.get(exportName) ?? '';
      const statement = readStatement(makeStatement as (parameters: never) => unknown);
      statements.push({ ...statement, file, exportName, comment, indexes: readIndexes(comment) });
    }
  }
  return statements.toSorted((a, b) => a.name.localeCompare(b.name));
}
