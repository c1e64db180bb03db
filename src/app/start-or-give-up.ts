import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../platform/log/index.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../platform/postgres/index.ts';

/**
 * How long a start may go on after a signal, in milliseconds. A first start takes two or three seconds; one that waits for
 * somebody's lock or for another server's migration may take an hour, and whoever stops servers kills them after half a minute.
 */
const START_GRACE_MS = 10_000;

/** How long the Postgres of a start that is given up has to end, in milliseconds: it is told at once, and may be frozen. */
const POSTGRES_GRACE_MS = 5_000;

/** Whom a start belongs to, and the signal that it ends by. */
interface StartOwner {
  readonly process: NodeJS.Process;
  readonly log: Logger;
  readonly signalled: Promise<unknown>;
}

/**
 * Starts something, by means of a function that starts the embedded Postgres. When it is signalled to stop and the start goes on
 * for longer than the grace, ends the process, and that Postgres before it: it goes on by itself, and nobody else would stop it.
 */
export async function startOrGiveUp<Started>(
  { process, log, signalled }: StartOwner,
  start: (startPostgres: typeof startEmbeddedPostgres) => Promise<Started>,
): Promise<Started> {
  const ended = new AbortController();
  const givenUp = new AbortController();
  let postgres: Promise<EmbeddedPostgres> | undefined;
  const giveUp = async (): Promise<void> => {
    await sleep(START_GRACE_MS, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
    if (ended.signal.aborted) return;
    log.warn('stopped while it was still starting: the next start goes on from there');
    givenUp.abort();
    const stopped = postgres?.then(({ stop }) => stop()).catch(() => undefined);
    await Promise.race([stopped, sleep(POSTGRES_GRACE_MS)]);
    // No request was accepted yet. What a migration had begun is undone by the database, or can run again.
    process.exit(0);
  };
  const ending = signalled.then(giveUp);
  try {
    return await start((options) => {
      postgres = startEmbeddedPostgres({ ...options, signal: givenUp.signal });
      return postgres;
    });
  } finally {
    // A start that fails because it was given up is no failure to tell of.
    if (givenUp.signal.aborted) await ending;
    ended.abort();
  }
}
