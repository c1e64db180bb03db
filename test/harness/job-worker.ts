import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { defineJob, openJobs } from '../../src/platform/jobs/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres, sql } from '../../src/platform/postgres/index.ts';

/**
 * A process that works on jobs `test.hang` until it is killed: says in the table `effects` that it began, and never
 * finishes. Started with the database's URL.
 */
const url = process.argv[2] ?? '';
const log = createLogger({ level: 'warn' });
const database = openPostgres({ url, log });

const hang = defineJob({
  name: 'test.hang',
  input: Type.Object({ id: Type.String() }),
  async run({ id }, context) {
    const begin = sql`
      -- test.begin
      insert into effects (id, kind) values (${id}, 'begun')`;
    await database.query(begin, context);
    await sleep(600_000);
  },
});

openJobs({ database, directUrl: url, jobs: [hang], log, concurrency: 2, stopTimeoutMs: 1_000, leaseMs: 1_500 }).start();
