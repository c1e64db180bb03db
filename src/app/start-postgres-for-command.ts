import { constants } from 'node:os';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../platform/postgres/index.ts';
import { END_SIGNALS } from './until-signalled.ts';

/**
 * Starts the embedded Postgres for a command, which a signal ends at once, but not before this Postgres: it goes on
 * by itself, and nobody else would stop it.
 */
export async function startPostgresForCommand(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const starting = startEmbeddedPostgres(options);
  const end = (signal: NodeJS.Signals): void => {
    const stopped = starting.then((postgres) => postgres.stop()).catch(() => undefined);
    void stopped.then(() => process.exit(128 + constants.signals[signal]));
  };
  const forget = (): void => {
    for (const signal of END_SIGNALS) process.off(signal, end);
  };
  for (const signal of END_SIGNALS) process.on(signal, end);
  const postgres = await starting.catch((error) => {
    forget();
    throw error;
  });
  return { ...postgres, stop: () => postgres.stop().finally(forget) };
}
