import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../test/harness/until.ts';
import { createLogger } from '../log/index.ts';
import { keepPostmaster } from './keep-postmaster.ts';
import type { Postmaster } from './postmaster.ts';

/** A process that could be a server, and how to end it. */
function startProcess(): { postmaster: Postmaster; kill(): void } {
  const child = spawn('/bin/sleep', ['600']);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { postmaster: { pid: child.pid ?? 0, port: 1, state: 'ready' }, kill: () => void child.kill('SIGKILL') };
}

/** Keeps a process, with starts that fail so often first; tells how often one was tried. */
function keep(postmaster: Postmaster, failures: number) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const tries = { count: 0 };
  const relaunch = async (): Promise<Postmaster> => {
    tries.count++;
    if (tries.count <= failures) throw new Error('the port is taken');
    return startProcess().postmaster;
  };
  const keeper = keepPostmaster(postmaster, { log, relaunch });
  onTestFinished(async () => void (await keeper.stop()));
  return { keeper, lines, tries };
}

test('a start that fails is tried again, and told', async () => {
  const { postmaster, kill } = startProcess();
  const { lines, tries } = keep(postmaster, 1);
  kill();
  await until(() => lines.some((line) => line.includes('ready again')));
  expect(tries.count).toBe(2);
  expect(lines.filter((line) => line.includes('does not start'))).toEqual([
    expect.stringContaining('the port is taken'),
  ]);
});

test.runIf(process.platform === 'linux')(
  'one that has ended is started again, though its parent never asks how',
  async () => {
    const parent = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [said] = await once(parent.stdout, 'data');
    const pid = Number(said);
    const { lines } = keep({ pid, port: 1, state: 'ready' }, 0);
    process.kill(pid, 'SIGKILL');
    await until(() => lines.some((line) => line.includes('ready again')));
  },
);

test('once it is stopped no start is tried any more, also when it waits for the next', async () => {
  const { postmaster, kill } = startProcess();
  const { keeper, lines, tries } = keep(postmaster, Number.POSITIVE_INFINITY);
  kill();
  await until(() => lines.some((line) => line.includes('does not start')));
  const before = tries.count;
  const startedMs = performance.now();
  await keeper.stop();
  expect(performance.now() - startedMs).toBeLessThan(1_500);
  expect(tries.count).toBe(before);
});

test('what ends after it is stopped stays so', async () => {
  const { postmaster, kill } = startProcess();
  const { keeper, tries } = keep(postmaster, 0);
  await keeper.stop();
  kill();
  await sleep(600);
  expect(tries.count).toBe(0);
});
