import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const PROGRAM = `
  import { startTemporaryPostgres } from './test/harness/start-postgres.ts';
  await startTemporaryPostgres();
  console.log(process.env.TMPDIR);`;

/** Whether anybody listens there. A process that has ended can stay in the list of processes, a port cannot. */
async function isHeard(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy());
}

test.each(['SIGINT', 'SIGKILL'] as const)('a run that ends by %s leaves no file and no Postgres', async (signal) => {
  const args = ['--input-type=module', '--eval', PROGRAM];
  const run = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void run.kill('SIGKILL'));
  const [folder] = (await once(createInterface(run.stdout), 'line')) as [string];
  const [file = ''] = globSync(`${folder}/**/postmaster.pid`);
  const port = Number(readFileSync(file, 'utf8').split('\n')[3]);
  expect(await isHeard(port)).toBe(true);
  run.kill(signal);
  await expect.poll(() => existsSync(folder)).toBe(false);
  await expect.poll(() => isHeard(port)).toBe(false);
});
