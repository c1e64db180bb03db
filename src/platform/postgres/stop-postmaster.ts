import { setTimeout as sleep } from 'node:timers/promises';
import { findPostmaster } from './postmaster.ts';

// Fast (SIGINT) ends when every connection has ended, which a frozen one never does; then it is ended as by a crash (SIGQUIT),
// which loses nothing that was committed.
const STOPS = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
] as const;
const POLL_MS = 10;

/**
 * Stops the server with this process id, if it runs on the directory, and waits until it has ended; none while the id is 0, which
 * is not known yet. Not by `pg_ctl`, which stops whichever runs there: the next Evenkeel may have started its own the moment
 * ours ended.
 * @throws Error when it does not end.
 */
export async function stopPostmaster(clusterDir: string, pid: number): Promise<void> {
  const isThere = async (): Promise<boolean> => pid !== 0 && (await findPostmaster(clusterDir))?.pid === pid;
  for (const { signal, waitMs } of STOPS) {
    if (!(await isThere())) return;
    send(pid, signal);
    const giveUpAtMs = performance.now() + waitMs;
    while ((await isThere()) && performance.now() < giveUpAtMs) await sleep(POLL_MS);
  }
  if (await isThere()) throw new Error(`the embedded Postgres does not stop: end it with kill -9 ${pid}`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
