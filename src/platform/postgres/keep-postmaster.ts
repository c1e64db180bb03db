import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../log/index.ts';
import { isAlive } from './is-alive.ts';
import type { Postmaster } from './postmaster.ts';

/** How often it is looked whether the server lives, in milliseconds. It may be no child of ours, which nobody would tell us of. */
const LOOK_INTERVAL_MS = 250;

/** The pause after a start that failed, in milliseconds. */
const RETRY_PAUSE_MS = 2_000;

/**
 * Whether a process runs. One that has ended is there until its parent asks how it did, which what a container begins with may never
 * do, such as `sleep infinity`. Linux tells that apart: `12 (postgres) Z …`.
 */
function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return !/\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** What keeping a server running needs. */
export interface KeepOptions {
  readonly log: Logger;
  /** Starts it again, where it was reached before, and waits until it accepts connections. */
  readonly relaunch: () => Promise<Postmaster>;
}

/**
 * Starts the server again whenever it ends: by the kernel when memory runs out, by a fault of its own. It repairs itself from its
 * log of writes then, and what was committed is there. Goes on until `stop()`, which answers the process id of the last one when no
 * start is under way any more.
 */
export function keepPostmaster(first: Postmaster, { log, relaunch }: KeepOptions): { stop(): Promise<number> } {
  let { pid } = first;
  const stopping = new AbortController();
  let restarting: Promise<void> | undefined;

  async function restart(): Promise<void> {
    log.error({ pid }, 'the embedded Postgres has ended; starting it again');
    while (!stopping.signal.aborted) {
      try {
        ({ pid } = await relaunch());
        log.info({ pid }, 'the embedded Postgres is ready again');
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.error({ err: error }, 'the embedded Postgres does not start; trying again');
        // Rejects when it is stopped, which the loop sees.
        await sleep(RETRY_PAUSE_MS, undefined, { ref: false, signal: stopping.signal }).catch(() => {});
      }
    }
  }

  const look = setInterval(() => {
    if (restarting !== undefined || isRunning(pid)) return;
    restarting = restart().finally(() => {
      restarting = undefined;
    });
  }, LOOK_INTERVAL_MS).unref();

  return {
    async stop() {
      stopping.abort();
      clearInterval(look);
      await restarting;
      return pid;
    },
  };
}
