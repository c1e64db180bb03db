import { globSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import type { CatalogueEntry, ErrorSet } from '../src/base/errors.ts';

/** A set of errors as a feature exports it. */
export interface FoundErrorSet {
  /** The file it is declared in, from the root of the repository. */
  readonly file: string;
  /** The name it is exported under. */
  readonly exportName: string;
  readonly catalogue: readonly CatalogueEntry[];
}

function isErrorSet(value: unknown): value is ErrorSet<Record<string, never>> {
  return typeof value === 'object' && value !== null && 'raise' in value && 'catalogue' in value;
}

/** Every set of errors that an `errors.ts` below a folder exports, by file. `base/errors.ts`, which makes them, has none. */
export async function findErrorSets(root: string): Promise<FoundErrorSet[]> {
  const found: FoundErrorSet[] = [];
  for (const file of globSync('src/**/errors.ts', { cwd: root }).sort()) {
    const module: Record<string, unknown> = await import(pathToFileURL(`${root}/${file}`).href);
    for (const [exportName, value] of Object.entries(module)) {
      if (isErrorSet(value)) found.push({ file, exportName, catalogue: value.catalogue });
    }
  }
  return found;
}
