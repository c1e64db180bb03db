import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, type TestContext } from 'vitest';
import { isAlive } from '../../src/platform/postgres/is-alive.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from './server-process.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

type Finishing = Pick<TestContext, 'onTestFinished'>;

async function makeDataDir({ onTestFinished }: Finishing): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-starting-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

/** Starts a command; resolves when it has said this. */
async function startUntil(
  expected: string,
  { onTestFinished }: Finishing,
  { command = ['serve'], variables }: { command?: readonly string[]; variables: Record<string, string> },
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, ...command], {
    env: { PATH: process.env.PATH, PORT: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const said = Promise.withResolvers<void>();
  const take = (chunk: Buffer): void => {
    output += chunk;
    if (output.includes(expected)) said.resolve();
  };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', take);
  child.once('exit', (code) => said.reject(new Error(`ended with ${code}: ${output}`)));
  await said.promise;
  return child;
}

/** Sends a signal so often; answers the exit code, null when it took a signal to end it. */
async function stop(child: ChildProcess, times: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  const ended = once(child, 'exit');
  for (let sent = 0; sent < times; sent++) child.kill(signal);
  const [code] = await ended;
  return code;
}

/** Starts a server that comes up, and stops it. */
async function startAndStop(variables: Record<string, string>): Promise<void> {
  const server = await startServerProcess(variables);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(await server.end('SIGTERM')).toBe(0);
}

it.for([
  ['SIGTERM', 143, ['migrate']],
  ['SIGTERM', 143, ['keys', 'create', '--username', 'ada']],
  ['SIGHUP', 129, ['migrate']],
] as const)(
  'on %s ends with %i, and stops the Postgres that it started, the command %j',
  async ([signal, code, command], context) => {
    const dataDir = await makeDataDir(context);
    const child = await startUntil('migrating the database', context, { command, variables: { DATA_DIR: dataDir } });
    expect(await stop(child, 1, signal)).toBe(code);
    await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  },
);

it.for([1, 2])(
  'a server that is told %i times to stop while it migrates ends well, and its database',
  async (times, context) => {
    const variables = { DATA_DIR: await makeDataDir(context) };
    const child = await startUntil('migrating the database', context, { variables });
    expect(await stop(child, times)).toBe(0);
    await expect(stat(join(variables.DATA_DIR, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
    await startAndStop(variables);
  },
);

/** Has a migration run again, and holds it up by this statement for as long as the database is connected to. */
async function holdUpMigration(database: TestDatabase, statement: string): Promise<void> {
  const admin = await database.connect();
  await admin.query(`drop index chat_turns_to_stop;
    delete from evenkeel_migrations where name = '20261123000603_turns_to_stop'`);
  await admin.query(statement);
}

const heldUp = [
  ['another server migrates', 'select pg_advisory_lock(1801807212)', 'another server is migrating the database'],
  ['its migration waits for a lock', 'begin; lock table chat_turns', '20261123000603_turns_to_stop'],
] as const;

// Side by side: they wait for most of their time.
it.concurrent.for([
  ['serve', ...heldUp[0]],
  ['serve', ...heldUp[1]],
  ['work', ...heldUp[0]],
] as const)(
  '"%s" that is told to stop while %s ends without it, and the next start goes on from there',
  async (row, context) => {
    const [command, , statement, said] = row;
    const database = await createTestDatabase();
    context.onTestFinished(() => database.drop());
    const variables = { DATABASE_URL: database.url, DATA_DIR: await makeDataDir(context) };
    await holdUpMigration(database, statement);
    const child = await startUntil(said, context, { command: [command], variables });
    expect(await stop(child, 1)).toBe(0);
    await database.disconnect();
    await startAndStop(variables);
  },
);

/** The process id of the Postgres that is being started; undefined before it is. */
async function findPostmasterPid(dataDir: string): Promise<number | undefined> {
  const pidFile = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(pidFile, 10) || undefined;
}

it.concurrent.for(['serve', 'work'])(
  '"%s" that is told to stop while its Postgres is frozen leaves none',
  async (command, context) => {
    // Of tests side by side, each has its own.
    const { expect } = context;
    const dataDir = await makeDataDir(context);
    const child = spawn(process.execPath, [main, command], {
      env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    context.onTestFinished(() => void child.kill('SIGKILL'));
    const findPid = () => findPostmasterPid(dataDir);
    await expect.poll(findPid, { timeout: 30_000, interval: 5 }).toBeDefined();
    const pid = (await findPid()) ?? 0;
    process.kill(pid, 'SIGSTOP');
    context.onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')));
    expect(await stop(child, 1)).toBe(0);
    process.kill(pid, 'SIGCONT');
    await expect.poll(findPid).toBeUndefined();
    await startAndStop({ DATA_DIR: dataDir });
  },
);

/** Whether `initdb` has begun to write. */
async function isBeingMade(dataDir: string): Promise<boolean> {
  const draft = (await readdir(dataDir)).find((name) => name.startsWith('postgres.initializing-'));
  return draft !== undefined && (await readdir(join(dataDir, draft))).length > 0;
}

it('a Ctrl-C while the database is made lets it be finished, and the server ends well', async (context) => {
  const dataDir = await makeDataDir(context);
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const said = text(child.stderr);
  await expect.poll(() => isBeingMade(dataDir), { timeout: 30_000, interval: 5 }).toBe(true);
  const ended = once(child, 'exit');
  // What a terminal does at Ctrl-C.
  process.kill(-(child.pid ?? 0), 'SIGINT');
  expect(await ended, await said).toEqual([0, null]);
  expect(await said).toBe('');
  expect(await readdir(dataDir)).toContain('postgres');
  await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});
