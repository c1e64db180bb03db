import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ensureCluster } from './initialize-cluster.ts';

test('those who make the database at the same time know the password that it has, whoever was first', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-cluster-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  /** Makes it without the programs, as one that goes on past its password only then. */
  const make = (goesOn: Promise<unknown>): Promise<string> =>
    ensureCluster(
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
  const first = make(Promise.resolve());
  const second = make(first);
  const passwords = await Promise.all([first, second]);
  const kept = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  expect(passwords).toEqual([kept, kept]);
});
