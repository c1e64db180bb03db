import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasBrowser, startBrowser } from '../harness/browser.ts';
import { listen } from '../harness/listen.ts';
import { ask, createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

let directory: string;
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'evenkeel-load-'));
  database = await createTestDatabase();
  server = await startServerProcess({ DATABASE_URL: database.url, DATA_DIR: directory });
});

afterAll(async () => {
  await server.end('SIGTERM');
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Starts `loadtest` against the server, with its database or another. */
function startLoadTest(
  args: readonly string[],
  databaseUrl = database.url,
): { child: ChildProcess; outcome: Promise<Outcome> } {
  const env = { PATH: process.env.PATH, DATABASE_URL: databaseUrl, DATA_DIR: directory, LOG_LEVEL: 'error' };
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>();
  const command = [main, 'loadtest', '--url', server.url, ...args];
  const child = execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
    resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
  });
  return { child, outcome };
}

/** Runs `loadtest` against the server; answers its exit code and what it wrote. */
const loadTest = (...args: string[]): Promise<Outcome> => startLoadTest(args).outcome;

const query = <Row>(statement: string): Promise<Row[]> => ask<Row>(database.url, statement);

async function countUsers(): Promise<number> {
  return (await query('select from users')).length;
}

/** Does what a load test says of the users that it left. */
async function removeLeftBehind(output: string): Promise<void> {
  expect(output).toContain('The users of this test could not all be erased');
  const advice = /^ +(select .*;)$/m.exec(output)?.[1];
  await query(advice ?? 'no advice');
}

it('climbs to its users, passes, draws its report, and leaves nothing behind', async () => {
  const before = await countUsers();
  const report = join(directory, 'report.html');
  const gates = ['--p95', '30s', '--min-rate', '1'];
  const { code, output } = await loadTest(
    '--users',
    '60',
    '--stage-seconds',
    '2',
    '--think-seconds',
    '1',
    '--websockets',
    '50%',
    ...gates,
    '--report',
    report,
  );
  expect(code, output).toBe(0);
  for (const users of [10, 50, 60]) expect(output).toMatch(new RegExp(`^ +${users} users .* 0 errors$`, 'm'));
  expect(await countUsers()).toBe(before);

  if (!hasBrowser()) return;
  await using browser = await startBrowser();
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(pathToFileURL(report).href);
  expect(problems).toEqual([]);
  expect(await page.locator('body > table tr').count()).toBe(4);
  // A plot is drawn when its canvas shows one of the colours of lines.
  const drawn = await page.evaluate(`[...document.querySelectorAll('canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set();
    for (let at = 0; at < data.length; at += 4) found.add('#' + [...data.slice(at, at + 3)].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
    return colours.some((colour) => found.has(colour));
  })`);
  // Four of what the users saw, five of what the server says of itself.
  expect(drawn).toEqual(Array.from({ length: 9 }, () => true));
});

it('sends at a rate whether or not answers come, and fails by its exit code at a gate it cannot meet', async () => {
  const gates = ['--p95', '1ms', '--min-rate', '5000'];
  const { code, output } = await loadTest('--users', '10', '--stage-seconds', '3', '--rate', '40', ...gates);
  expect(code).toBe(1);
  expect(output).toMatch(/Failed: p95 \d+ ms, more than 1 ms; \d+ good answers\/s, fewer than 5000\./);
  const rate = Number(/ 10 users +(\d+)\/s[^\n]*\n\n/.exec(output)?.[1]);
  expect(rate).toBeGreaterThan(20);
  expect(rate).toBeLessThan(60);
});

it.each([
  ['is interrupted', ['SIGINT']],
  ['loses its terminal, of which it is told twice,', ['SIGHUP', 'SIGHUP']],
] as const)(
  'that %s writes its report of what there is, does not pass, and leaves nothing behind',
  async (_, signals) => {
    const before = await countUsers();
    const report = join(directory, 'interrupted.html');
    const { child, outcome } = startLoadTest(['--users', '20', '--stage-seconds', '60', '--report', report]);
    const busy = Promise.withResolvers<void>();
    child.stdout?.on('data', (chunk) => /users +\d+\/s/.test(String(chunk)) && busy.resolve());
    // The first second of the climb is told when its users are there.
    await Promise.race([busy.promise, outcome]);
    for (const signal of signals) {
      child.kill(signal);
      await sleep(50);
    }
    const { code, output } = await outcome;
    expect(code, output).toBe(1);
    expect(output).toContain('Failed: it was interrupted before the end of its last stage.');
    expect(await readFile(report, 'utf8')).toContain('Failed: it was interrupted');
    expect(await countUsers()).toBe(before);
  },
);

it('that is interrupted twice says what stayed and how to remove it', async () => {
  const before = await countUsers();
  const { child, outcome } = startLoadTest(['--users', '20', '--stage-seconds', '60']);
  child.stdout?.on('data', (chunk) => {
    if (!/users +\d+\/s/.test(String(chunk))) return;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) child.kill(signal);
  });
  const { code, output } = await outcome;
  expect(code, output).toBe(1);
  await removeLeftBehind(output);
  await until(async () => (await countUsers()) === before);
});

it('keeps its verdict when its users cannot be erased, and says what stayed and how to remove it', async () => {
  const before = await countUsers();
  await query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
    create trigger refuse before delete on users execute function refuse()`);
  const crowd = ['--users', '10', '--stage-seconds', '2', '--think-seconds', '1', '--p95', '30s', '--min-rate', '1'];
  const passed = await loadTest(...crowd);
  const failed = await loadTest(...crowd, '--p95', '1ms', '--min-rate', '5000');
  await query('drop function refuse cascade');
  expect(passed.code, passed.output).toBe(0);
  expect(failed.code, failed.output).toBe(1);
  expect(await countUsers()).toBe(before + 20);

  await removeLeftBehind(failed.output);
  await until(async () => (await countUsers()) === before);
});

it('cannot be run where no server is, says so before it touches a database, and leaves nothing behind', async () => {
  const before = await countUsers();
  const { code, output } = await loadTest('--users', '10', '--stage-seconds', '1', '--url', 'http://127.0.0.1:1');
  expect(code, output).toBe(2);
  expect(output).toContain('no server at http://127.0.0.1:1 (ECONNREFUSED): start one, or give --url');
  expect(output).not.toContain('Creating');
  expect(await countUsers()).toBe(before);
});

it('cannot be run on a server that has another database, and says so before it creates the users', async () => {
  const other = await createTestDatabase();
  const { code, output } = await startLoadTest(['--users', '10', '--stage-seconds', '1'], other.url).outcome;
  await other.drop();
  expect(code, output).toBe(2);
  expect(output).toContain('has another database: run this with its DATA_DIR or DATABASE_URL');
  expect(output).not.toContain('Creating');
});

it('counts what went wrong by its kind, and fails', async () => {
  const leaving = createServer(({ url }, response) => {
    response.end('{}');
    if (url === '/v1/me') leaving.close();
  });
  const port = await listen(leaving);
  const crowd = ['--users', '10', '--stage-seconds', '2', '--think-seconds', '1'];
  const { code, output } = await loadTest(...crowd, '--url', `http://127.0.0.1:${port}`);
  expect(code).toBe(1);
  expect(output).toMatch(/\d+ × ECONNREFUSED/);
  expect(output).toContain('Failed: 100.00% errors');
});

it.each([
  [['--url', 'https://example.com'], 'add --i-own-this-server if it is yours'],
  [['--report', '/nowhere/report.html'], 'no such file or directory'],
  [['--users', '0'], 'It takes a whole number from 1 to 50000'],
])('refuses %j and says what to do', async (args, problem) => {
  const { code, output } = await loadTest(...args);
  expect(code).toBe(2);
  expect(output).toContain(problem);
});
