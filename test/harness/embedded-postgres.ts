import { onTestFinished } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';

/** Starts the embedded Postgres on a data directory; it is stopped after the test. */
export async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const log = createLogger({ level: 'silent' });
  const postgres = await startEmbeddedPostgres({ dataDir, log, postgresFlags: ['fsync=off'] });
  onTestFinished(() => postgres.stop());
  return postgres;
}
