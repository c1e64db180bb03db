import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { ensureCluster } from './initialize-cluster.ts';

/** Makes it without the programs, as one that goes on past its password only then. */
function make(dataDir: string, goesOn?: Promise<unknown>): Promise<string> {
  return ensureCluster(
    { dataDir, clusterDir: join(dataDir, 'postgres') },
    { initdb: '', postgres: '', moduleDir: '' },
    {
      adopt: async () => void (await goesOn),
      run: async () => undefined,
      start: () => {
        throw new Error('nothing is started');
      },
    },
  );
}

test('those who make the database at the same time know the password that it has, whoever was first', async () => {
  const dataDir = await makeTestDirectory(0o700);
  const first = make(dataDir);
  const second = make(dataDir, first);
  const passwords = await Promise.all([first, second]);
  const kept = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  expect(passwords).toEqual([kept, kept]);
});

test('a password whose file is damaged, be it by its last byte, is not that of a new database', async () => {
  const dataDir = await makeTestDirectory(0o700);
  await writeFile(join(dataDir, 'postgres-password'), 'a'.repeat(43));
  const made = await make(dataDir);
  expect(await make(dataDir)).toBe(made);
});
