import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { makeTestDirectory } from '../harness/make-test-directory.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');

it.each([
  [['keys', 'create', '--username', 'ada'], /^ek_\w+\n$/],
  [['migrate'], /^Applied:\n(?:\d+_\w+\n)+$/],
])('%j writes what it was asked for on standard output, and its log beside that', async (command, asked) => {
  const dataDir = await makeTestDirectory();
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  const { stdout, stderr } = await run(process.execPath, [main, ...command], { env });
  expect(stdout).toMatch(asked);
  expect(stderr).toContain('migrating the database');
});

it('a user whom the system does not know, and who has no home, is served', async () => {
  // As Node asks the system, which has no entry for such a user.
  const unknown = `import os from 'node:os';
    os.homedir = () => process.env.HOME ?? (() => { throw new Error('uv_os_homedir returned ENOENT'); })();`;
  const flags = ['--import', `data:text/javascript,${encodeURIComponent(unknown)}`];
  const env = { PATH: process.env.PATH, DATA_DIR: await makeTestDirectory() };
  const { stdout } = await run(process.execPath, [...flags, main, 'migrate'], { env });
  expect(stdout).toContain('Applied:');
});

it.runIf(process.platform === 'linux')('a key that could not be written is a failure', async () => {
  const dataDir = await makeTestDirectory();
  const full = await open('/dev/full', 'w');
  onTestFinished(() => full.close());
  const env = { PATH: process.env.PATH, DATA_DIR: dataDir };
  const command = [main, 'keys', 'create', '--username', 'ada'];
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', full.fd, 'ignore'] });
  expect(await once(child, 'exit')).toEqual([1, null]);
});
