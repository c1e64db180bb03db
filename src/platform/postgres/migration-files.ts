import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** One migration. */
export interface MigrationFile {
  /** The file's name without `.sql`; how the database remembers it. */
  readonly name: string;
  readonly path: string;
}

/** What a migration does. */
export interface MigrationContent {
  readonly isTransaction: boolean;
  /** The whole file, or one statement each when it runs outside a transaction. */
  readonly steps: readonly string[];
}

const NAME = /^\d+_[a-z0-9_]+\.sql$/;
const NO_TRANSACTION = /^--\s*no transaction\s*$/i;
// A statement is what lies between two semicolons that are in no quotes, dollar quotes or comments.
const STATEMENT = /(?:'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[^;])+/g;
const COMMENT = /--[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * The migrations of several folders, in the order in which they run.
 *
 * @throws Error for a name that is no `<timestamp>_<name>.sql`, or that two files have.
 */
export async function listMigrationFiles(folders: readonly string[]): Promise<MigrationFile[]> {
  const files = new Map<string, MigrationFile>();
  for (const folder of folders) {
    for (const fileName of await readdir(folder)) {
      if (!fileName.endsWith('.sql')) continue;
      const path = join(folder, fileName);
      if (!NAME.test(fileName))
        throw new Error(`${path}: a migration is named <timestamp>_<name>.sql, in a-z, 0-9 and _`);
      const name = basename(fileName, '.sql');
      const twin = files.get(name);
      if (twin !== undefined) throw new Error(`two migrations have the same name: ${twin.path} and ${path}`);
      files.set(name, { name, path });
    }
  }
  return [...files.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads a migration. A first line `-- no transaction` lets each statement run by itself. */
export async function readMigration(path: string): Promise<MigrationContent> {
  const text = await readFile(path, 'utf8');
  const [firstLine = ''] = text.split('\n', 1);
  if (!NO_TRANSACTION.test(firstLine)) return { isTransaction: true, steps: [text] };
  const statements = text.match(STATEMENT) ?? [];
  return { isTransaction: false, steps: statements.filter((step) => step.replace(COMMENT, '').trim() !== '') };
}
