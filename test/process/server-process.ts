import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../..');

/** A server in a process of its own. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** All that it has printed so far. */
  output(): string;
  /** The first key, which it keeps in the `DATA_DIR` that it was given. */
  readKey(): Promise<string>;
  /**
   * Sends a signal and waits for the end; answers the exit code, null when the signal ended it.
   * @throws Error when a promise had failed that nobody waited for.
   */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `src/main.ts serve` with these variables and none of the tests' own; resolves when it is ready. */
export async function startServerProcess(
  variables: Record<string, string>,
  root = repository,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  // What is kept of the code of a copy would stay in the temporary directory, and be of no use to anybody.
  const isKept = root === repository;
  const child = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', ...flags], {
    env: { PATH: process.env.PATH, PORT: '0', ...(!isKept && { NODE_DISABLE_COMPILE_CACHE: '1' }), ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ready = Promise.withResolvers<string>();
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    const url = /Evenkeel is ready at (\S+)/.exec(output)?.[1];
    if (url !== undefined && output.includes('/messages')) ready.resolve(url);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  child.once('exit', (code) => ready.reject(new Error(`The server ended with ${code}: ${output}`)));
  const url = await ready.promise;
  return {
    child,
    url,
    output: () => output,
    readKey: async () => (await readFile(join(variables.DATA_DIR ?? '', 'dev-key'), 'utf8')).trim(),
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
      }
      if (output.includes('a promise failed that nobody waits for')) throw new Error(output);
      return child.exitCode;
    },
  };
}
