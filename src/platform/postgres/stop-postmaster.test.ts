import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { start } from '../../../test/harness/embedded-postgres.ts';
import { findFreePort } from '../../../test/harness/find-free-port.ts';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { ask } from '../../../test/harness/postgres.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { findPostmaster } from './postmaster.ts';
import { findDataOwner } from './run-as-owner.ts';
import { stopPostmaster } from './stop-postmaster.ts';

test('a server that was started since the one to be stopped has ended is left alone', async () => {
  const dataDir = await makeTestDirectory();
  const { url } = await start(dataDir);
  await stopPostmaster(join(dataDir, 'postgres'), spawnSync('/bin/true').pid);
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('nobody is sent a signal while it is not known yet which process it is', async () => {
  const directory = await makeTestDirectory();
  await writeFile(join(directory, 'postmaster.pid'), '');
  // One to process 0 would reach all of our own group.
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => true);
  onTestFinished(() => kill.mockRestore());
  await stopPostmaster(directory, (await findPostmaster(directory))?.pid ?? 1);
  expect(kill).not.toHaveBeenCalled();
});

test('a server that another Evenkeel has started elsewhere, in place of ours that had ended, is left alone', async () => {
  const dataDir = await makeTestDirectory();
  const clusterDir = join(dataDir, 'postgres');
  const ours = await start(dataDir);
  const binaries = await findPostgresBinaries();
  const owner = await findDataOwner(clusterDir, binaries.postgres);
  const settings = { dataDir, clusterDir, postgresFlags: ['fsync=off'], port: await findFreePort() };
  const launchInPlace = async (): Promise<number> => {
    await stopPostmaster(clusterDir, (await findPostmaster(clusterDir))?.pid ?? 0);
    const { isOurs, postmaster } = await launchPostmaster(settings, binaries, owner);
    // Ours was quicker to start again.
    return isOurs ? postmaster.pid : await launchInPlace();
  };
  const pid = await launchInPlace();
  onTestFinished(() => stopPostmaster(clusterDir, pid));
  await ours.stop();
  expect(await findPostmaster(clusterDir)).toMatchObject({ pid });
});

test('the next one, which waits for one that runs, has a server of its own when that one stops', async () => {
  const dataDir = await makeTestDirectory();
  const before = await start(dataDir);
  const next = start(dataDir);
  const waiting = `select from pg_stat_activity where application_name = 'evenkeel data directory'`;
  await expect.poll(() => ask(before.url, waiting), { interval: 20 }).toHaveLength(2);
  await before.stop();
  expect(await ask((await next).url, 'select 1 as one')).toEqual([{ one: 1 }]);
});
