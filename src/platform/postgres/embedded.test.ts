import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { start } from '../../../test/harness/embedded-postgres.ts';
import { makeTestDirectory } from '../../../test/harness/make-test-directory.ts';
import { ask } from '../../../test/harness/postgres.ts';
import { createLogger } from '../log/index.ts';
import { findEmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { WRONG_PASSWORD } from './errors.ts';
import { ensureCluster } from './initialize-cluster.ts';
import { launchPostmaster } from './launch-postmaster.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { findPostmaster } from './postmaster.ts';
import { findDataOwner } from './run-as-owner.ts';

const isRoot = process.getuid?.() === 0;

/** Starts it in a process of its own; answers the URL and the process. */
async function startElsewhere(dataDir: string): Promise<{ url: string; process: ChildProcess }> {
  const script = `
    import { startEmbeddedPostgres } from '${new URL('embedded.ts', import.meta.url)}';
    import { createLogger } from '${new URL('../log/index.ts', import.meta.url)}';
    const { url } = await startEmbeddedPostgres({ dataDir: process.argv[1], log: createLogger({ level: 'silent' }) });
    console.log(url);
    setInterval(() => {}, 1000);`;
  const args = ['--input-type=module-typescript', '--eval', script, dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [url] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('it ended'))),
  ]);
  return { url, process: child };
}

test('a first start makes a database that a second start finds again', async () => {
  const dataDir = join(await makeTestDirectory(), 'data');
  const first = await start(dataDir);
  const [settings] = await ask(
    first.url,
    `select current_setting('server_encoding') as encoding, current_setting('data_checksums') as checksums,
      current_setting('server_version_num')::int / 10000 as version, current_setting('listen_addresses') as address,
      current_setting('unix_socket_directories') as socket, current_setting('shared_preload_libraries') as libraries,
      (select datlocprovider::text || datlocale from pg_database where datname = 'postgres') as locale`,
  );
  expect(settings).toEqual({
    encoding: 'UTF8',
    checksums: 'on',
    version: 18,
    address: '127.0.0.1',
    socket: '',
    libraries: 'pg_stat_statements',
    locale: 'bC.UTF-8',
  });
  await ask(first.url, 'create table kept as select 1 as one');
  expect(await findEmbeddedPostgres(dataDir)).toBe(first.url);
  await Promise.all([first.stop(), first.stop()]);
  expect(await findEmbeddedPostgres(dataDir)).toBeUndefined();
  const second = await start(dataDir);
  expect(await ask(second.url, 'select one from kept')).toEqual([{ one: 1 }]);
});

test('the password is random, needed, and for the owner of its file only', async () => {
  const dataDir = await makeTestDirectory();
  const { url, stop } = await start(dataDir);
  const file = join(dataDir, 'postgres-password');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(url).toContain(`:${(await readFile(file, 'utf8')).trim()}@127.0.0.1:`);
  const wrong = new URL(url);
  wrong.password = 'wrong';
  await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: WRONG_PASSWORD });
  await stop();
  await writeFile(file, `${'a'.repeat(43)}\n`);
  await expect(start(dataDir)).rejects.toThrow(/postgres-password is not that of .* Put it back from a backup\./);
});

test('the log of Postgres holds no values of refused statements', async () => {
  const dataDir = await makeTestDirectory();
  const { url } = await start(dataDir);
  await ask(url, 'create table unique_mail (mail text primary key)');
  await ask(url, `insert into unique_mail values ('canary@example.org')`);
  await expect(ask(url, `insert into unique_mail values ('canary@example.org')`)).rejects.toThrow('duplicate');
  await expect(ask(url, `select 'canary'::int`)).rejects.toThrow('canary');
  expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).not.toContain('canary');
});

test('an interrupted first start leaves nothing that the next one trusts', async () => {
  const dataDir = await makeTestDirectory();
  // As one leaves it that was killed: half a directory under the name of a process that is no more.
  await mkdir(join(dataDir, 'postgres.initializing-999999999'));
  await writeFile(join(dataDir, 'postgres.initializing-999999999', 'PG_VERSION'), '18\n');
  await writeFile(join(dataDir, 'postgres-password'), 'half');
  const { url } = await start(dataDir);
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-password', 'postgres.log']);
});

test('the Postgres of a killed Evenkeel is taken over, with what was committed', async () => {
  const dataDir = await makeTestDirectory();
  const killed = await startElsewhere(dataDir);
  await ask(killed.url, 'create table kept as select 1 as one');
  const before = await findPostmaster(join(dataDir, 'postgres'));
  killed.process.kill('SIGKILL');
  const { url } = await start(dataDir);
  expect(url).toBe(killed.url);
  expect((await findPostmaster(join(dataDir, 'postgres')))?.pid).toBe(before?.pid);
  expect(await ask(url, 'select one from kept')).toEqual([{ one: 1 }]);
});

/** Ends the server as the kernel does when memory runs out; answers its process id. */
async function killPostmaster(dataDir: string): Promise<number> {
  const { pid = 0 } = (await findPostmaster(join(dataDir, 'postgres'))) ?? {};
  process.kill(pid, 'SIGKILL');
  return pid;
}

test.each([
  ['its own', start],
  [
    'that of a killed Evenkeel',
    async (dataDir: string) => {
      (await startElsewhere(dataDir)).process.kill('SIGKILL');
      return start(dataDir);
    },
  ],
])('a Postgres that is killed is started again where it was, with what was committed: %s', async (_whose, begin) => {
  const dataDir = await makeTestDirectory();
  const { url, stop } = await begin(dataDir);
  await ask(url, 'create table kept as select 1 as one');
  const killed = [await killPostmaster(dataDir)];
  const back = { timeout: 20_000 };
  await expect.poll(() => ask(url, 'select one from kept').catch(String), back).toEqual([{ one: 1 }]);
  killed.push(await killPostmaster(dataDir));
  await expect.poll(() => ask(url, 'select one from kept').catch(String), back).toEqual([{ one: 1 }]);
  expect(new Set(killed).size).toBe(2);
  await stop();
  expect(await findPostmaster(join(dataDir, 'postgres'))).toBeUndefined();
});

test('one that is told to stop while Postgres is being started again leaves none', async () => {
  const dataDir = await makeTestDirectory();
  const { stop } = await start(dataDir);
  const killed = await killPostmaster(dataDir);
  const clusterDir = join(dataDir, 'postgres');
  const isComing = async () => ((await findPostmaster(clusterDir))?.pid ?? killed) !== killed;
  await expect.poll(isComing, { timeout: 20_000, interval: 5 }).toBe(true);
  await stop();
  expect(await findPostmaster(clusterDir)).toBeUndefined();
});

test('a second Evenkeel on the data directory of a living one is refused and disturbs nothing', async () => {
  const dataDir = await makeTestDirectory();
  const { url } = await start(dataDir);
  await expect(start(dataDir)).rejects.toThrow('another Evenkeel runs on this data directory: stop it or set DATA_DIR');
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('of two that start at once on an empty directory one wins and the other is refused', async () => {
  const dataDir = await makeTestDirectory();
  const [elsewhere, here] = await Promise.allSettled([startElsewhere(dataDir), start(dataDir)]);
  expect([elsewhere.status, here.status].sort()).toEqual(['fulfilled', 'rejected']);
  expect(await ask((await findEmbeddedPostgres(dataDir)) ?? '', 'select 1 as one')).toEqual([{ one: 1 }]);
  if (elsewhere.status === 'fulfilled') {
    elsewhere.value.process.kill('SIGKILL');
    await start(dataDir);
  }
});

test('the lock is taken again after a crash of Postgres has ended its connection', async () => {
  const dataDir = await makeTestDirectory();
  const { url } = await start(dataDir);
  await ask(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'evenkeel data directory'`,
  );
  await expect
    .poll(() => ask(url, `select from pg_locks where locktype = 'advisory'`), { timeout: 5_000 })
    .toHaveLength(1);
  await expect(start(dataDir)).rejects.toThrow('another Evenkeel');
});

test('a postmaster.pid left by a crash does not block the start, even when its process id lives on as another', async () => {
  const dataDir = await makeTestDirectory();
  const { stop } = await start(dataDir);
  await stop();
  const clusterDir = join(dataDir, 'postgres');
  const pidFile = join(clusterDir, 'postmaster.pid');
  // A process of the same user that is not Postgres: those are what Postgres itself takes for a living server.
  const owner = await findDataOwner(clusterDir, '/bin/sleep');
  const sleeper = owner.start('/bin/sleep', ['60'], 2);
  onTestFinished(() => void sleeper.kill());
  for (const pid of [sleeper.pid, 999_999_999]) {
    await writeFile(pidFile, `${pid}\n${clusterDir}\n1700000000\n5432\n\n127.0.0.1\n  1 1\nready   \n`);
    await owner.adopt(pidFile);
    const again = await start(dataDir);
    expect(await ask(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await again.stop();
  }
});

test.each([-3_600, 3_600])('an empty postmaster.pid of %i seconds from now was left behind', async (seconds) => {
  const directory = await makeTestDirectory();
  const pidFile = join(directory, 'postmaster.pid');
  await writeFile(pidFile, '');
  const madeAt = new Date(Date.now() + seconds * 1_000);
  await utimes(pidFile, madeAt, madeAt);
  expect(await findPostmaster(directory)).toBeUndefined();
});

test('Postgres is out of reach of a signal to our process group', async () => {
  const dataDir = await makeTestDirectory();
  const started = await startElsewhere(dataDir);
  // What a terminal does at Ctrl-C.
  process.kill(-(started.process.pid ?? 0), 'SIGINT');
  await once(started.process, 'exit');
  expect(await ask(started.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await start(dataDir);
});

test('a data directory without its password is refused, saying what to do', async () => {
  const dataDir = await makeTestDirectory();
  await (await start(dataDir)).stop();
  await unlink(join(dataDir, 'postgres-password'));
  await expect(start(dataDir)).rejects.toThrow(/postgres-password is missing .* Put it back/);
});

test('what Postgres says when it cannot start is in the error', async () => {
  const dataDir = await makeTestDirectory();
  const flags = { dataDir, log: createLogger({ level: 'silent' }), postgresFlags: ['work_mem=nonsense'] };
  await expect(startEmbeddedPostgres(flags)).rejects.toThrow(/Postgres did not start: .*work_mem/);
});

test('a Postgres that ends without a word, as on a full disk, is an error that says where to look', async () => {
  const dataDir = await makeTestDirectory();
  const settings = { dataDir, clusterDir: join(dataDir, 'postgres'), postgresFlags: [] };
  await mkdir(settings.clusterDir, { mode: 0o755 });
  const binaries = { ...(await findPostgresBinaries()), postgres: '/bin/false' };
  const owner = await findDataOwner(settings.clusterDir, binaries.postgres);
  await expect(launchPostmaster(settings, binaries, owner)).rejects.toThrow(
    `Postgres did not start: it ended with code 1 and said nothing. Is the disk of ${dataDir} full? See ${dataDir}/postgres.log`,
  );
});

test.runIf(isRoot)('under root, it runs where only root may enter', async () => {
  const dataDir = join(await makeTestDirectory(0o700), 'data');
  const { url } = await start(dataDir);
  expect(await ask(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  const { pid = 0 } = (await findPostmaster(join(dataDir, 'postgres'))) ?? {};
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  expect(status).not.toMatch(/^Uid:\s+0/m);
  // CAP_DAC_READ_SEARCH and nothing else.
  expect(status).toMatch(/^CapEff:\s+0000000000000004$/m);
});

test.runIf(isRoot)('under root, where everyone may enter it has no capabilities', async () => {
  const dataDir = join(await makeTestDirectory(), 'data');
  await start(dataDir);
  const { pid = 0 } = (await findPostmaster(join(dataDir, 'postgres'))) ?? {};
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  expect(status).not.toMatch(/^Uid:\s+0/m);
  expect(status).toMatch(/^CapEff:\s+0000000000000000$/m);
});

test.runIf(isRoot)('under root, its programs may lie where only root may enter', async () => {
  const directory = await makeTestDirectory(0o700);
  const binaries = await findPostgresBinaries();
  const nativeDir = dirname(dirname(binaries.postgres));
  await cp(nativeDir, join(directory, 'native'), { recursive: true, verbatimSymlinks: true });
  const copied = { ...binaries };
  for (const name of ['initdb', 'postgres'] as const) {
    copied[name] = join(directory, 'native', 'bin', basename(binaries[name]));
  }
  const dataDir = await makeTestDirectory();
  const place = { dataDir, clusterDir: join(dataDir, 'postgres') };
  const owner = await findDataOwner(place.clusterDir, copied.postgres);
  await expect(ensureCluster(place, copied, owner)).resolves.toHaveLength(43);
});

test.runIf(isRoot)('under root, a place that cannot be reached is refused, saying what to do', async () => {
  const missing = findDataOwner(join(await makeTestDirectory(), 'data', 'postgres'), '/nowhere/postgres');
  await expect(missing).rejects.toThrow(/cannot reach .* or set DATABASE_URL/);
});
