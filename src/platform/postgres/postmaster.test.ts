import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { createLogger } from '../log/index.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { findPostmaster } from './postmaster.ts';

const log = createLogger({ level: 'silent' });

test('what is no directory is refused, naming the variable, also by a command that would join a server there', async () => {
  const file = join(await makeTestDirectory(), 'file');
  await writeFile(file, '');
  await expect(findEmbeddedPostgres(file)).rejects.toThrow(`DATA_DIR ${file} cannot be used: ENOTDIR`);
});

test.runIf(process.platform === 'linux')('a server is known where its directory was moved to', async () => {
  const directory = await makeTestDirectory();
  const dataDir = join(directory, 'data');
  const moved = join(directory, 'moved');
  const { stop } = await startEmbeddedPostgres({ dataDir, log, postgresFlags: ['fsync=off'] });
  await rename(dataDir, moved);
  onTestFinished(async () => {
    await rename(moved, dataDir);
    await stop();
  });
  const second = startEmbeddedPostgres({ dataDir: moved, log });
  await expect(second).rejects.toThrow('another Evenkeel runs on this data directory: stop it or set DATA_DIR');
  expect(await findPostmaster(join(moved, 'postgres'))).toMatchObject({ state: 'ready' });
});

test.runIf(existsSync('/usr/bin/flock'))('what a server in another container has written stays', async () => {
  const directory = await makeTestDirectory();
  const file = join(directory, 'postmaster.pid');
  // Here, its process id is another's.
  await writeFile(file, `${process.ppid}\n`);
  const other = spawn('flock', [directory, 'sh', '-c', 'echo it is ours; exec cat'], { stdio: 'pipe' });
  await once(other.stdout, 'data');
  expect(await findPostmaster(directory)).toBeUndefined();
  expect(existsSync(file)).toBe(true);
  other.stdin.end();
  await once(other, 'exit');
  expect(await findPostmaster(directory)).toBeUndefined();
  expect(existsSync(file)).toBe(false);
});
