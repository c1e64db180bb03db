import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import { findFreePort } from '../../test/harness/find-free-port.ts';
import { type ChildServer, stopProcess, watchProcess } from './child-server.ts';

/** The memory of a server, as its probe tells it. */
export interface MemoryUse {
  /** In use by objects and buffers after a full collection. */
  readonly usedBytes: number;
  /** The most that the process has held so far. */
  readonly peakResidentBytes: number;
}

/** Evenkeel under measurement, as `npm start` runs it. */
export interface Product extends ChildServer {
  readMemory(): Promise<MemoryUse>;
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const probe = new URL('memory-probe.ts', import.meta.url).href;
/** What `npm start` has Node itself do. */
const nodeFlags = manifest.scripts.start.split(' ').filter((word) => word.startsWith('--'));

const READY_WAIT_MS = 60_000;
const READY_POLL_MS = 5;

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    (response) => response.body?.cancel().then(() => response.status === 200) ?? false,
    () => false,
  );
}

/** How a child sees the world: with its own configuration only, nothing of the caller's. */
function environment(variables: Readonly<Record<string, string>>) {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', ...variables };
}

/** Waits until `/readyz` on this port says 200. @throws Error when the process has ended, or is ended after a minute. */
async function untilReady(child: ChildProcess, port: number): Promise<void> {
  const giveUpAtMs = performance.now() + READY_WAIT_MS;
  while (!(await isReady(port))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('The process has ended.');
    if (performance.now() > giveUpAtMs) {
      await stopProcess(child);
      throw new Error(`It was not ready after ${READY_WAIT_MS} ms.`);
    }
    await sleep(READY_POLL_MS);
  }
}

/** Runs `npm start` until the server is ready; answers how long that took, in milliseconds. */
export async function timeNpmStart(variables: Readonly<Record<string, string>>): Promise<number> {
  const port = await findFreePort();
  const startMs = performance.now();
  const child = spawn('npm', ['start'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...environment({ ...variables, PORT: String(port) }), PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  watchProcess(child);
  await untilReady(child, port);
  const tookMs = performance.now() - startMs;
  await stopProcess(child);
  return tookMs;
}

/** Starts `serve` with so much of configuration, its log going to a file in `logDir`, and waits until it is ready. */
export async function startProduct(
  variables: Readonly<Record<string, string>>,
  { logDir, flags = [] }: { readonly logDir: string; readonly flags?: readonly string[] },
): Promise<Product> {
  const port = await findFreePort();
  const logFile = join(logDir, `evenkeel-${port}.log`);
  const log = await open(logFile, 'w');
  const child = spawn(process.execPath, [...nodeFlags, '--expose-gc', '--import', probe, main, 'serve', ...flags], {
    env: environment({ ...variables, PORT: String(port) }),
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  watchProcess(child);
  await log.close();
  await untilReady(child, port).catch((cause) => {
    throw new Error(`Evenkeel did not start: see ${logFile}`, { cause });
  });
  const readMemory = async (): Promise<MemoryUse> => {
    const answer = once(child, 'message');
    child.send('report');
    const [memory] = await answer;
    return memory;
  };
  return { port, readMemory, [Symbol.asyncDispose]: () => stopProcess(child) };
}

/** Runs another command of Evenkeel to its end. */
export async function runCommand(args: readonly string[], variables: Readonly<Record<string, string>>): Promise<void> {
  const child = spawn(process.execPath, [main, ...args], {
    env: environment(variables),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`evenkeel ${args.join(' ')} ended with code ${code}.`);
}
