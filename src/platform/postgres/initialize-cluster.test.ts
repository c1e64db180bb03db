import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { ensureCluster } from './initialize-cluster.ts';

/** Makes it without the programs, as one that goes on past its password only then. */
function make(dataDir: string, goesOn?: Promise<unknown>, initdb?: () => void): Promise<string> {
  return ensureCluster(
    { dataDir, clusterDir: join(dataDir, 'postgres') },
    { initdb: '', postgres: '', moduleDir: '' },
    {
      adopt: async () => void (await goesOn),
      run: async () => initdb?.(),
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

test('a user whom the system does not know by name is told what to do', async () => {
  const making = make(await makeTestDirectory(0o700), undefined, () => {
    throw new Error('initdb: could not look up effective user ID 12345: user does not exist');
  });
  await expect(making).rejects.toThrow('Give that user an entry in /etc/passwd, or set DATABASE_URL to');
});

test.each([
  ['is given to a group, as by Kubernetes, is taken back', 0o2770, 0o700],
  ['is given to everybody is taken back', 0o777, 0o700],
  ['a group may read stays so', 0o750, 0o750],
])('a directory that %s, for Postgres takes no other', async (_, mode, kept) => {
  const dataDir = await makeTestDirectory(0o700);
  const clusterDir = join(dataDir, 'postgres');
  const password = await make(dataDir);
  await chmod(clusterDir, mode);
  expect(await make(dataDir)).toBe(password);
  expect((await stat(clusterDir)).mode & 0o7777).toBe(kept);
});
