import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A server under measurement: a process of its own, which is ended with SIGTERM and waited for. */
export interface ChildServer extends AsyncDisposable {
  readonly port: number;
}

/** Longer than a server may take to drain. */
const STOP_WAIT_MS = 40_000;

/** Those that run, to be ended when the run is interrupted. */
const running = new Set<ChildProcess>();

/** Remembers a process for `stopAllProcesses` until it ends by itself. */
export function watchProcess(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** Ends every server that runs. */
export async function stopAllProcesses(): Promise<void> {
  await Promise.all([...running].map(stopProcess));
}

/** Ends a process and waits until it is gone. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS);
  await exit;
  clearTimeout(kill);
}

/** The lines that a process writes, from the first on. @throws when it ends before it wrote so many. */
export async function readLines(child: ChildProcess, count: number): Promise<string[]> {
  if (child.stdout === null) throw new Error('The output of the process is not ours to read.');
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === count) return lines;
  }
  throw new Error(`${child.spawnargs.slice(1, 3).join(' ')} ended before it was ready.`);
}

/** Starts a script, whose lines are to be read. */
export function spawnScript(path: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  watchProcess(child);
  return child;
}

/** Starts a script that serves and writes its port as its first line. */
export async function startScript(path: string, args: readonly string[]): Promise<ChildServer> {
  const child = spawnScript(path, args);
  const [port] = await readLines(child, 1);
  return { port: Number(port), [Symbol.asyncDispose]: () => stopProcess(child) };
}
