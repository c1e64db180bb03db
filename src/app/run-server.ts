import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { type ServeOptions, serve } from './serve.ts';
import { untilSignalled } from './until-signalled.ts';

/**
 * Runs the server until SIGTERM or SIGINT, then stops it without losing a request. A signal that comes while it starts
 * stops it as soon as it has started; one that comes while it stops changes nothing.
 */
export async function runServer(
  config: Config,
  log: Logger,
  { process, ...options }: ServeOptions & { process: NodeJS.Process },
): Promise<void> {
  const signalled = untilSignalled(process);
  const server = await serve(config, log, options);
  process.stdout.write(server.banner);
  log.info({ signal: await signalled }, 'stopping');
  await server.stop();
  log.info('stopped');
}
