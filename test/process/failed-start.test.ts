import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { listen } from '../harness/listen.ts';
import { createTestDatabase } from '../harness/postgres.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-failed-start-'));
});

afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** Starts a server that cannot start; answers what it says of that. */
async function failToStart(variables: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, ...variables },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(code, said).toBe(1);
  return said;
}

async function takePort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const port = await listen(server);
  return port;
}

it.each([
  [
    'a port that is taken',
    async () => ({ PORT: String(await takePort()) }),
    /127\.0\.0\.1:\d+ \(EADDRINUSE\): set PORT or HOST, or stop what uses it/,
  ],
  [
    'an address of another machine',
    async () => ({ HOST: '192.0.2.1' }),
    /192\.0\.2\.1:0 \(EADDRNOTAVAIL\): set HOST to an address of this machine/,
  ],
  [
    'a name of no machine',
    async () => ({ HOST: 'nowhere.invalid' }),
    /nowhere\.invalid:0 \(E\w+\): set HOST to an address of this machine/,
  ],
])(
  'a server given %s says whether PORT or HOST has to change, before it makes a database',
  async (_, variables, said) => {
    expect(await failToStart(await variables())).toMatch(said);
    await expect(stat(join(dataDir, 'postgres'))).rejects.toThrow('ENOENT');
  },
);

it.each([
  ['is not there', (url: URL) => Object.assign(url, { port: '1' }), 'ECONNREFUSED'],
  ['is on no machine', (url: URL) => Object.assign(url, { hostname: 'nowhere.invalid' }), 'nowhere.invalid'],
  ['has another password', (url: URL) => Object.assign(url, { password: 'canary' }), 'password authentication failed'],
  ['has another name', (url: URL) => Object.assign(url, { pathname: '/nodb' }), 'database "nodb" does not exist'],
])('a server whose database %s names DATABASE_URL, the reason and no password', async (_, change, reason) => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const url = change(new URL(database.url));
  const said = await failToStart({ DATABASE_URL: url.href });
  expect(said).toContain('DATABASE_URL: ');
  expect(said).toContain(reason);
  expect(said).toContain('"evenkeel doctor" looks');
  expect(said).not.toContain(url.password);
});

it('a server whose database speaks no TLS says which sslmode does without', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  expect(await failToStart({ DATABASE_URL: `${database.url}?sslmode=prefer` })).toContain('Set sslmode=disable');
});

it.each([
  [
    'takes no writes',
    `alter database %s set default_transaction_read_only = on`,
    'reset default_transaction_read_only',
  ],
  ['lets nobody in to its tables', `alter role %s nosuperuser`, 'grant this role what docs/guides/'],
])('a server whose database %s says what to do', async (_, prepare, todo) => {
  const database = await createTestDatabase();
  const admin = await database.connect();
  const name = admin.escapeIdentifier(admin.database ?? '');
  onTestFinished(async () => {
    await admin.query(`drop owned by ${name}; drop role ${name}`);
    await database.drop();
  });
  await admin.query(
    `create role ${name} superuser login password 'other'; grant select on evenkeel_migrations to ${name}`,
  );
  await admin.query(prepare.replace('%s', name));
  const url = Object.assign(new URL(database.url), { username: admin.database, password: 'other' });
  const said = await failToStart({ DATABASE_URL: url.href, LOG_LEVEL: 'silent' });
  expect(said).toContain(todo);
});

it('a server whose statements have no time to start names the variables', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const said = await failToStart({ DATABASE_URL: database.url, DATABASE_STATEMENT_TIMEOUT_MS: '1' });
  expect(said).toContain('DATABASE_CONNECT_TIMEOUT_MS and DATABASE_STATEMENT_TIMEOUT_MS');
});

it.each([
  ['is a file', 'EEXIST', (path: string) => writeFile(path, '')],
  ['cannot be made', 'ENOTDIR', (path: string) => writeFile(join(path, '..'), '')],
])('a server whose DATA_DIR %s names it and says what to do', async (_, reason, spoil) => {
  const directory = join(dataDir, 'folder', 'data');
  await (reason === 'EEXIST' ? mkdir(join(dataDir, 'folder')) : Promise.resolve());
  await spoil(directory);
  const said = await failToStart({ DATA_DIR: directory });
  expect(said).toContain(`DATA_DIR ${directory} cannot be used: ${reason}`);
  expect(said).toContain('set DATA_DIR to another directory');
});

it.runIf(process.platform === 'linux')('a server whose DATA_DIR no file system would hold says so, too', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const directory = '/proc/evenkeel/data';
  for (const variables of [{}, { DATABASE_URL: database.url }]) {
    const said = await failToStart({ DATA_DIR: directory, ...variables });
    expect(said).toContain(`DATA_DIR ${directory} cannot be used: ENOENT`);
  }
});

it('a server that cannot keep the first key names DATA_DIR and says what to do', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  await mkdir(join(dataDir, 'dev-key'));
  const said = await failToStart({ DATABASE_URL: database.url, AUTH_SECRETS: 'a'.repeat(32) });
  expect(said).toContain(`DATA_DIR ${dataDir} cannot be used: EISDIR`);
  expect(said).toContain('set DATA_DIR to another directory');
});
