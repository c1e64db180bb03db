import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');

it.each([
  [['keys', 'create', '--username', 'ada'], /^ek_\w+\n$/],
  [['migrate'], /^Applied:\n(?:\d+_\w+\n)+$/],
])('%j writes what it was asked for on standard output, and its log beside that', async (command, asked) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-output-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  const { stdout, stderr } = await run(process.execPath, [main, ...command], { env });
  expect(stdout).toMatch(asked);
  expect(stderr).toContain('migrating the database');
});

it.runIf(process.platform === 'linux')('a key that could not be written is a failure', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-output-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const full = await open('/dev/full', 'w');
  onTestFinished(() => full.close());
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  const command = [main, 'keys', 'create', '--username', 'ada'];
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', full.fd, 'ignore'] });
  expect(await once(child, 'exit')).toEqual([1, null]);
});
