/** The embedded Postgres and nothing else: starts it on `--data-dir`, writes its port and the milliseconds, stops it. */
import { parseArgs } from 'node:util';
import { createLogger } from '../../src/platform/log/index.ts';
import { startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';

const { values } = parseArgs({ options: { 'data-dir': { type: 'string' } } });
if (values['data-dir'] === undefined) throw new Error('--data-dir is missing');
const log = createLogger({ level: 'silent' });
// From here, not from the start of the process: Node's own start counts for whoever is compared with this.
const startMs = performance.now();
const postgres = await startEmbeddedPostgres({ dataDir: values['data-dir'], log });
const tookMs = performance.now() - startMs;
process.stdout.write(`${new URL(postgres.url).port}\n${tookMs}\n`);
await postgres.stop();
