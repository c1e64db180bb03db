import { glob } from 'node:fs/promises';
import { join } from 'node:path';

/** Every `migrations` folder of the source tree: those of the platform, the core and the assistants that are there. */
export async function findMigrationFolders(): Promise<string[]> {
  const source = join(import.meta.dirname, '..');
  const folders: string[] = [];
  for await (const folder of glob('{platform,core,assistants}/*/migrations', { cwd: source }))
    folders.push(join(source, folder));
  return folders.sort();
}
