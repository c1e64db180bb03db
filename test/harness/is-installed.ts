import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Whether there is an assistant of this name: what tests say of one whose folder was deleted is no longer to be proven. */
export function isInstalled(name: string): boolean {
  return existsSync(join(import.meta.dirname, '../../src/assistants', name, 'index.ts'));
}
