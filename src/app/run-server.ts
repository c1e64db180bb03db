import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { outliveRejections } from './outlive-rejections.ts';
import { type ServeOptions, serve } from './serve.ts';
import { startOrGiveUp } from './start-or-give-up.ts';
import { untilSignalled } from './until-signalled.ts';

/**
 * Runs the server until SIGTERM, SIGINT or SIGHUP, then stops it without losing a request. A signal that comes while it starts
 * stops it as soon as it has started, or when it does not get there; one that comes while it stops changes nothing.
 */
export async function runServer(
  config: Config,
  log: Logger,
  { process, ...options }: Omit<ServeOptions, 'startPostgres'> & { process: NodeJS.Process },
): Promise<void> {
  const signalled = untilSignalled(process);
  outliveRejections(process, log);
  const server = await startOrGiveUp({ process, log, signalled }, (startPostgres) =>
    serve(config, log, { ...options, startPostgres }),
  );
  process.stdout.write(server.banner);
  log.info({ signal: await signalled }, 'stopping');
  await server.stop();
  log.info('stopped');
}
