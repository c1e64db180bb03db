import type { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { type Job, type Jobs, type JobsOptions, openJobs } from '../../src/platform/jobs/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { openPostgres, type Postgres } from '../../src/platform/postgres/index.ts';
import { createTestDatabase } from './postgres.ts';

const log = createLogger({ level: 'silent' });

/** A database with jobs: as servers reach it, and by a connection of the test's own. */
interface JobDatabase {
  readonly url: string;
  readonly database: Postgres;
  readonly client: Client;
}

/** Makes a database for one test, after which it is removed. */
export async function openJobDatabase(): Promise<JobDatabase> {
  const { url, connect, drop } = await createTestDatabase();
  onTestFinished(drop);
  const database = openPostgres({ url, log });
  onTestFinished(() => database.close());
  return { url, database, client: await connect() };
}

/** Starts workers on a database, which are stopped after the test. */
export function startWorkers(
  { url, database }: Pick<JobDatabase, 'url' | 'database'>,
  jobs: readonly Job[],
  options: Partial<JobsOptions> = {},
): Jobs {
  const parts = { database, directUrl: url, jobs, log, concurrency: 2, stopTimeoutMs: 5_000 };
  const workers = openJobs({ ...parts, ...options });
  onTestFinished(() => workers.stop());
  workers.start();
  return workers;
}

/** Enqueues a job `test.work`; by itself, or in a queue of this name. */
export async function enqueueWork(client: Client, id: string, queueName?: string): Promise<void> {
  const add = `select graphile_worker.add_job('test.work', json_build_object('id', $1::text), queue_name => $2)`;
  await client.query(add, [id, queueName]);
}

/** How many jobs are not done. */
export async function countJobs(client: Client): Promise<number | null> {
  return (await client.query('select from graphile_worker._private_jobs')).rowCount;
}
