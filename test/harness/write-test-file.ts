import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes a file that is removed with the folder of the whole run; answers its path. */
export function writeTestFile(name: string, text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'evenkeel-file-')), name);
  writeFileSync(path, text);
  return path;
}
