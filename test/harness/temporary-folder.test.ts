import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = `
  import { startTemporaryPostgres } from './test/harness/start-postgres.ts';
  import { useTemporaryFolder } from './test/harness/temporary-folder.ts';
  useTemporaryFolder();
  await startTemporaryPostgres();
  console.log(process.env.TMPDIR);`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(['SIGINT', 'SIGKILL'] as const)('a run that ends by %s leaves no file and no Postgres', async (signal) => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void run.kill('SIGKILL'));
  const [folder] = (await once(createInterface(run.stdout), 'line')) as [string];
  const postmasters = globSync(`${folder}/**/postmaster.pid`).map((file) =>
    Number.parseInt(readFileSync(file, 'utf8'), 10),
  );
  expect(postmasters.map(isRunning)).toEqual([true]);
  run.kill(signal);
  await expect.poll(() => existsSync(folder)).toBe(false);
  await expect.poll(() => postmasters.map(isRunning)).toEqual([false]);
});
