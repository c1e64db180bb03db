import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from './make-directory.ts';

/** The secret that a file holds; undefined when there is no such file. @throws what the file system does otherwise. */
export function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Stores a secret in a file (mode 0600, the secret and a newline) unless the file is there already; makes its directory.
 * Answers the secret that the file holds then.
 *
 * Another server may be doing the same: the file appears whole, and the first one stays.
 */
export function keepSecret(file: string, secret: string): string {
  // Not by the process id: servers in containers share the directory, and may well share their number.
  const draft = `${file}.${randomUUID()}`;
  makeDirectory(dirname(file));
  try {
    // On the disk before it has its name: a power loss must not leave an empty file, which would stay.
    writeFileSync(draft, `${secret}\n`, { mode: 0o600, flush: true });
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}
