import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { serve } from './serve.ts';

/**
 * Runs the server until SIGTERM or SIGINT, then stops it without losing a request. A signal that comes while it starts
 * stops it as soon as it has started; one that comes while it stops changes nothing.
 */
export async function runServer(config: Config, log: Logger, process: NodeJS.Process): Promise<void> {
  const signalled = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => signalled.resolve(signal));
  const server = await serve(config, log);
  process.stdout.write(server.banner);
  log.info({ signal: await signalled.promise }, 'stopping');
  await server.stop();
  log.info('stopped');
}
