import { execFile } from 'node:child_process';
import { cpSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { findImportFaults } from '../house/import-graph.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');
const assistants = readdirSync(join(repository, 'src/assistants'));

// Checking the types of everything takes long on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const sources = ['src', 'test', 'bench', 'scripts', 'docs'];
const settings = ['package.json', 'tsconfig.json', 'eslint.config.ts', 'vitest.config.ts'];
const copied = [...sources, ...settings];

/** With what the compiler noted of it: of a copy it checks only what is no longer the same. */
let original: string;
let root: string;
let database: TestDatabase;
let server: ServerProcess | undefined;

const makeDirectory = () => mkdtemp(join(tmpdir(), 'evenkeel-copy-'));

beforeAll(async () => {
  original = await makeDirectory();
  // Of so many files the synchronous copy is a sixth of the work.
  for (const part of copied) cpSync(join(repository, part), join(original, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(original, 'node_modules'));
  expect(await checkTypes(original)).toBe('');
});

afterAll(() => rm(original, { recursive: true, force: true }));

beforeEach(async () => {
  [root, database] = await Promise.all([makeDirectory(), createTestDatabase()]);
  cpSync(original, root, { recursive: true });
});

afterEach(async () => {
  await server?.end('SIGTERM');
  server = undefined;
  await database.drop();
  await rm(root, { recursive: true, force: true });
});

/** What the compiler has to say. By one checker: of several, each would check for itself what the others need too. */
async function checkTypes(directory: string): Promise<string> {
  const compiler = join(repository, 'node_modules/typescript-7/bin/tsc');
  const noting = ['--incremental', '--tsBuildInfoFile', join(directory, 'checked.tsbuildinfo')];
  return await run(process.execPath, [compiler, '-p', directory, '--checkers', '1', ...noting]).then(
    () => '',
    // A compiler that died said nothing.
    ({ stdout, message }: { stdout: string; message: string }) => stdout || message,
  );
}

/** Runs tests of the copy. Rejects, with what they printed, when one of them fails. */
async function runTests(...paths: string[]): Promise<void> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  await run(process.execPath, [vitest, 'run', ...paths], { cwd: root });
}

function findCopiedFaults(): string[] {
  const paths = globSync('src/**/*.ts', { cwd: root });
  return findImportFaults(Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')])));
}

/** Starts the copy; answers what sends a request as its first user. */
async function start() {
  server = await startServerProcess({ DATABASE_URL: database.url, DATA_DIR: join(root, 'data') }, root);
  const { url } = server;
  const key = await server.readKey();
  return async (method: string, path: string, body?: unknown) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

test.each(assistants)('without the folder of %s the rest builds, starts and serves', async (name) => {
  await rm(join(root, 'src/assistants', name), { recursive: true });
  expect(await checkTypes(root)).toBe('');
  expect(findCopiedFaults()).toEqual([]);
  const send = await start();
  expect((await send('POST', '/v1/chat/sessions', {})).status).toBe(201);
  const refused = await send('POST', '/v1/chat/sessions', { assistant: name });
  expect(refused.body).toMatchObject({ error: { code: 'chat.assistant_not_found' } });
});

test('without any of them the tests that name one pass', async () => {
  const naming = globSync('test/{routes,security,web-socket}/*.test.ts', { cwd: root }).filter((path) =>
    /\b(?:todo|pam|mood)/.test(readFileSync(join(root, path), 'utf8')),
  );
  expect(naming.length).toBeGreaterThan(2);
  await rm(join(root, 'src/assistants'), { recursive: true });
  await mkdir(join(root, 'src/assistants'));
  await runTests(...naming);
});

test('an assistant made as the guide says is there, and does its work', async () => {
  const guide = await readFile(join(repository, 'docs/guides/adding-an-assistant.md'), 'utf8');
  const [, commands = ''] = /```sh\n([\s\S]*?)```/.exec(guide) ?? [];
  // There may be one of that name here.
  await rm(join(root, 'src/assistants/notes'), { recursive: true, force: true });
  await run('sh', ['-ec', commands], { cwd: root });
  expect(await checkTypes(root)).toBe('');
  expect(findCopiedFaults()).toEqual([]);
  await runTests('src/assistants/notes');
  const send = await start();
  const added = await send('POST', '/api/notes/items', { title: 'Roses are red' });
  expect(added).toMatchObject({ status: 201, body: { object: 'notes.item', title: 'Roses are red' } });
  const session = await send('POST', '/v1/chat/sessions', { assistant: 'notes' });
  const said = await send('POST', `/v1/chat/sessions/${session.body.id}/messages`, { content: 'what is on my list?' });
  expect(said).toMatchObject({ status: 200, body: { content: '- Roses are red' } });
});

test('an assistant that no schema can be called after is refused by all that starts or migrates, and by the doctor', async () => {
  cpSync(join(root, 'src/assistants/todo'), join(root, 'src/assistants/order'), { recursive: true });
  const refusal = 'order: Postgres reserves this word';
  const env = {
    ...process.env,
    DATABASE_URL: database.url,
    DATA_DIR: join(root, 'data'),
    PORT: '0',
    LOG_LEVEL: 'silent',
  };
  for (const [command, stream] of [
    ['serve', 'stderr'],
    ['migrate', 'stderr'],
    ['keys create --username ada', 'stderr'],
    ['doctor', 'stdout'],
  ] as const) {
    const refused = run(process.execPath, ['src/main.ts', ...command.split(' ')], { cwd: root, env });
    await expect(refused).rejects.toMatchObject({ [stream]: expect.stringContaining(refusal) });
  }
});
