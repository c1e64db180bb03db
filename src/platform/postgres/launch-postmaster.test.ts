import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
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

test.each([
  ['it is cold', /^Postgres did not start: it is cold$/],
  [
    'postgresql.conf: Permission denied',
    /: Permission denied\. Give all of \/.*postgres to the user that the server runs as;/,
  ],
])('what Postgres says is known also when another start has put its log away: %s', async (said, told) => {
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
      start: (program, _args, logFd) => owner.start(program, ['-c', `echo ${said}; exit 1`], logFd),
    },
  );
  await expect(launched).rejects.toThrow(told);
});

test.runIf(existsSync('/usr/bin/flock'))(
  'a database that a Postgres in another container has is left alone',
  async () => {
    const dataDir = await makeTestDirectory();
    const clusterDir = join(dataDir, 'postgres');
    await mkdir(clusterDir);
    const other = spawn('flock', [clusterDir, 'sh', '-c', 'echo it is ours; exec cat'], { stdio: 'pipe' });
    onTestFinished(() => void other.stdin.end());
    await once(other.stdout, 'data');
    const owner = await findDataOwner(clusterDir, '/bin/true');
    const binaries = { initdb: '', postgres: '/bin/true', moduleDir: '' };
    const launched = launchPostmaster({ dataDir, clusterDir, postgresFlags: [] }, binaries, owner);
    await expect(launched).rejects.toThrow('another Evenkeel, maybe in another container, runs on this data directory');
  },
);

test('a database of another major version is told with its version, and what to do', async () => {
  const dataDir = await makeTestDirectory(0o700);
  const { stop } = await start(dataDir);
  await stop();
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n');
  await expect(start(dataDir)).rejects.toThrow(/postgres is of Postgres 17, and another is installed here\. Start /);
});
