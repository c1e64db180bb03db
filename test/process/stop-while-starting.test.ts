import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from './server-process.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-starting-'));
});

afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Starts a server; resolves when it has said this. */
async function startUntil(
  text: string,
  variables: Record<string, string> = {},
  command = ['serve'],
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, ...command], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  const said = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk) => {
    output += chunk;
    if (output.includes(text)) said.resolve();
  });
  child.once('exit', (code) => said.reject(new Error(`ended with ${code}: ${output}`)));
  await said.promise;
  return child;
}

/** Sends SIGTERM so often; answers the exit code, null when it took a signal to end it. */
async function stop(child: ChildProcess, times: number): Promise<number | null> {
  const ended = once(child, 'exit');
  for (let sent = 0; sent < times; sent++) child.kill('SIGTERM');
  const [code] = await ended;
  return code;
}

/** Starts a server that comes up, and stops it. */
async function startAndStop(variables: Record<string, string> = {}): Promise<void> {
  const server = await startServerProcess({ DATA_DIR: dataDir, ...variables });
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(await server.end('SIGTERM')).toBe(0);
}

it.each([['migrate'], ['keys', 'create', '--username', 'ada']])(
  'the command %s that is told to stop stops the Postgres that it started',
  async (...command) => {
    const child = await startUntil('migrating the database', {}, command);
    expect(await stop(child, 1)).toBe(143);
    await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  },
  30_000,
);

it.each([1, 2])(
  'a server that is told %i times to stop while it migrates ends well, and its database',
  async (times) => {
    const child = await startUntil('migrating the database');
    expect(await stop(child, times)).toBe(0);
    await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
    await startAndStop();
  },
);

/** A migration that will have to run again, and a connection by which it can be held up. */
async function holdUpMigration(database: TestDatabase, statement: string): Promise<Client> {
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`drop index chat_turns_to_stop;
    delete from evenkeel_migrations where name = '20261123000603_turns_to_stop'`);
  await admin.query(statement);
  return admin;
}

it.each([
  ['another server migrates', 'select pg_advisory_lock(1801807212)', 'another server is migrating the database'],
  ['its migration waits for a lock', 'begin; lock table chat_turns', '20261123000603_turns_to_stop'],
])('a server that is told to stop while %s ends without it, and the next start goes on from there', async (...row) => {
  const [, statement, said] = row;
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const admin = await holdUpMigration(database, statement);
  const child = await startUntil(said, { DATABASE_URL: database.url });
  expect(await stop(child, 1)).toBe(0);
  await admin.end();
  await startAndStop({ DATABASE_URL: database.url });
});
