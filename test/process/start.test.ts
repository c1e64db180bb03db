import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findFreePort } from '../harness/find-free-port.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** For a first start and the stop of its database, on a busy machine. */
const START_BOUND_MS = 30_000;

let dataDir: string;
let provider: StubProvider;
let server: ServerProcess | undefined;

beforeEach(async () => {
  // The lines to try name it, and have to work in a shell.
  dataDir = await mkdtemp(join(tmpdir(), "evenkeel's start-"));
  provider = await startStubProvider({ text: 'one two three four five six seven eight nine ten' });
});

afterEach(async () => {
  await server?.end('SIGTERM');
  await provider.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(variables: Record<string, string> = {}): Promise<ServerProcess> {
  server = await startServerProcess({ DATA_DIR: dataDir, ...variables });
  return server;
}

/** Requests with the first key. */
async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${await server?.readKey()}`, 'content-type': 'application/json' };
  return await fetch(`${server?.url}${path}`, { headers, ...init });
}

it('starts from nothing and prints three curl lines that work as printed', async () => {
  const { output } = await start();
  const lines = output()
    .split('\n')
    .filter((line) => line.startsWith('curl '));
  expect(lines).toHaveLength(3);
  const answers: string[] = [];
  for (const line of lines) answers.push((await run('sh', ['-c', line])).stdout);
  const [created = '', streamed = '', history = ''] = answers;
  expect(JSON.parse(created)).toMatchObject({ object: 'chat.session', title: 'My first chat' });
  expect(streamed).toContain('event: message.delta');
  expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true);
  expect((JSON.parse(history) as { data: { role: string }[] }).data.map(({ role }) => role)).toEqual([
    'user',
    'assistant',
  ]);
});

it('keeps the key in a file for its owner alone, and the data over a second start', async () => {
  await start();
  expect((await stat(join(dataDir, 'dev-key'))).mode & 0o777).toBe(0o600);
  const session = (await (await call('/v1/chat/sessions', { method: 'POST', body: '{"title":"kept"}' })).json()) as {
    id: string;
  };
  expect(await server?.end('SIGTERM')).toBe(0);
  const { output, readKey } = await start();
  expect(output()).not.toContain(await readKey());
  expect(await (await call(`/v1/chat/sessions/${session.id}`)).json()).toMatchObject({ title: 'kept' });
  for (const line of output()
    .split('\n')
    .filter((text) => text.startsWith('curl '))) {
    expect((await run('sh', ['-c', line])).stdout).not.toContain('"error"');
  }
});

it('keeps the message and what was stored of the answer when it is killed in mid answer, and goes on', async () => {
  provider.setMode('ok', { delayMs: 300 });
  await start({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  const { id } = (await (await call('/v1/chat/sessions', { method: 'POST', body: '{}' })).json()) as { id: string };
  const path = `/v1/chat/sessions/${id}/messages`;
  const streaming = await call(path, { method: 'POST', body: '{"content":"Count","stream":true}' });
  let seen = '';
  const reader = streaming.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!seen.includes('five')) seen += (await reader?.read())?.value ?? '';
  const turnId = /"turn_id":"([^"]+)"/.exec(seen)?.[1];
  expect(await server?.end('SIGKILL')).toBe(null);
  await reader?.cancel().catch(() => undefined);

  provider.setMode('ok', { delayMs: 0 });
  await start({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  const turn = async () => (await (await call(`/v1/chat/sessions/${id}/turns/${turnId}`)).json()) as { status: string };
  await expect.poll(turn, { timeout: 20_000, interval: 500 }).toMatchObject({ status: 'interrupted' });
  const messages = async () => ((await (await call(path)).json()) as { data: Record<string, unknown>[] }).data;
  const [asked, partial] = await messages();
  expect(asked).toMatchObject({ seq: 1, role: 'user', content: 'Count' });
  expect(partial).toMatchObject({
    seq: 2,
    role: 'assistant',
    status: 'incomplete',
    content: expect.stringMatching(/^one two/),
  });
  const next = await call(path, { method: 'POST', body: '{"content":"Again"}' });
  expect(await next.json()).toMatchObject({ seq: 4, status: 'complete' });
  expect((await messages()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
});

it('ends a stream that outlasts the drain with an error event, keeps its text and exits 0', async () => {
  provider.setMode('ok', { delayMs: 1_000 });
  await start({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model', DRAIN_TIMEOUT_MS: '2500' });
  const { id } = (await (await call('/v1/chat/sessions', { method: 'POST', body: '{}' })).json()) as { id: string };
  const path = `/v1/chat/sessions/${id}/messages`;
  const streaming = await call(path, { method: 'POST', body: '{"content":"Count","stream":true}' });
  const text = streaming.text();
  const ended = server?.end('SIGTERM');
  server?.child.kill('SIGTERM');
  expect(await text).toContain('chat.turn_interrupted');
  expect(await ended).toBe(0);
  await start({ MODEL_BASE_URL: provider.url, MODEL_NAME: 'stub-model' });
  const history = (await (await call(path)).json()) as { data: { status: string }[] };
  expect(history.data.map(({ status }) => status)).toEqual(['complete', 'incomplete']);
});

it('refuses a half-set configuration instead of falling back to the embedded database', async () => {
  await expect(start({ DATABASE_URL: '' })).rejects.toThrow('DATABASE_URL: set but empty');
  await expect(start({ MODEL_NAME: 'x', PORT: 'x' })).rejects.toThrow(/PORT: .*\nMODEL_NAME: needs MODEL_BASE_URL/);
  await expect(stat(join(dataDir, 'postgres'))).rejects.toThrow('ENOENT');
});

it('names all that is wrong with the files that it is given, before it makes or migrates a database', async () => {
  const file = join(dataDir, 'wrong.yaml');
  await writeFile(file, '- nothing of the kind');
  const files = { PLANS_FILE: file, MODELS_FILE: file, IDENTITY_FILE: file };
  const started = start(files);
  for (const name of Object.keys(files)) await expect(started).rejects.toThrow(`${name}: `);
  await expect(stat(join(dataDir, 'postgres'))).rejects.toThrow('ENOENT');
});

it('goes on when nobody reads what it prints, and stops its database', async () => {
  const port = await findFreePort();
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve'], {
    env: { PATH: process.env.PATH, PORT: String(port), DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.destroy();
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => child.exitCode,
    );
  await expect.poll(isReady, { timeout: START_BOUND_MS }).toBe(true);
  child.kill('SIGTERM');
  expect((await once(child, 'exit'))[0]).toBe(0);
  await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});

it.each([
  ['serve', 'a range of proxies', 'TRUSTED_PROXIES', { TRUSTED_PROXIES: '0.0.0.0/0' }],
  ['serve', 'a secret that is none', 'AUTH_SECRETS', { PRIVY_APP_ID: 'app' }],
  ['work', 'a file of models', 'MODELS_FILE', { MODELS_FILE: join(root, 'package.json') }],
])('"%s" that cannot start for %s ends at once, and its database, and names %s', async (...row) => {
  const [command, , named, variables] = row;
  // What is no file can be neither read nor written as one.
  await mkdir(join(dataDir, 'auth-secret'));
  const env = { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir, ...variables };
  const bound = { timeout: START_BOUND_MS, killSignal: 'SIGKILL' as const };
  await expect(run(process.execPath, [join(root, 'src/main.ts'), command], { env, ...bound })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(named),
  });
  await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});

it('stops when its terminal is closed, and its database', async () => {
  const { end } = await start();
  expect(await end('SIGHUP')).toBe(0);
  await expect(stat(join(dataDir, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
});

it('hands a signal to npm on to the server, which stops its database', async () => {
  const child = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.includes('/messages')) break;
  }
  const pidFile = join(dataDir, 'postgres', 'postmaster.pid');
  await stat(pidFile);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  await expect.poll(() => stat(pidFile).catch((error) => error.code), { timeout: 20_000 }).toBe('ENOENT');
});
