import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { start } from '../../../test/harness/embedded-postgres.ts';
import { listen } from '../../../test/harness/listen.ts';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { findDataOwner } from './run-as-owner.ts';

test('a Postgres is started again where it was, for those who joined it, and elsewhere when that port is taken', async () => {
  const dataDir = await makeTestDirectory(0o700);
  const first = await start(dataDir);
  await first.stop();
  const second = await start(dataDir);
  expect(second.url).toBe(first.url);
  await second.stop();
  const other = createServer();
  onTestFinished(() => void other.close());
  await listen(other, Number(new URL(first.url).port));
  const third = await start(dataDir);
  expect(third.url).not.toBe(first.url);
});

test('what Postgres says is known also when another start has put its log away', async () => {
  const dataDir = await makeTestDirectory(0o700);
  const clusterDir = join(dataDir, 'postgres');
  await mkdir(clusterDir);
  const owner = await findDataOwner(clusterDir, '/bin/sh');
  const launched = launchPostmaster(
    { dataDir, clusterDir, postgresFlags: [] },
    { initdb: '', postgres: '/bin/sh', moduleDir: '' },
    {
      ...owner,
      async adopt(file) {
        await rename(join(dataDir, 'postgres.log'), join(dataDir, 'postgres.log.1'));
        await owner.adopt(file);
      },
      start: (program, _args, logFd) => owner.start(program, ['-c', 'echo it is cold; exit 1'], logFd),
    },
  );
  await expect(launched).rejects.toThrow('Postgres did not start: it is cold');
});

test('a database of another major version is told with its version, and what to do', async () => {
  const dataDir = await makeTestDirectory(0o700);
  const { stop } = await start(dataDir);
  await stop();
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
  await expect(start(dataDir)).rejects.toThrow(/postgres is of Postgres 17, and another is installed here\. Start /);
});
