import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { type ServeOptions, serve } from './serve.ts';
import { untilSignalled } from './until-signalled.ts';

/**
 * How long a start may go on after a signal, in milliseconds. A first start takes two or three seconds; one that waits for
 * somebody's lock or for another server's migration may take an hour, and whoever stops servers kills them after half a minute.
 */
const startGraceMs = 10_000;

/** Ends the process when it is to stop and its start goes on for longer than the grace, unless that has ended before. */
async function abandonStart(log: Logger, process: NodeJS.Process, ended: AbortSignal): Promise<void> {
  await sleep(startGraceMs, undefined, { signal: ended, ref: false }).catch(() => undefined);
  if (ended.aborted) return;
  log.warn('stopped while it was still starting: the next start goes on from there');
  // No request was accepted yet. What a migration had begun is undone by the database, or can run again.
  process.exit(0);
}

/**
 * Runs the server until SIGTERM or SIGINT, then stops it without losing a request. A signal that comes while it starts
 * stops it as soon as it has started, or when it does not get there; one that comes while it stops changes nothing.
 */
export async function runServer(
  config: Config,
  log: Logger,
  { process, ...options }: ServeOptions & { process: NodeJS.Process },
): Promise<void> {
  const signalled = untilSignalled(process);
  const ended = new AbortController();
  void signalled.then(() => abandonStart(log, process, ended.signal));
  const server = await serve(config, log, options).finally(() => ended.abort());
  process.stdout.write(server.banner);
  log.info({ signal: await signalled }, 'stopping');
  await server.stop();
  log.info('stopped');
}
