import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTestDatabase } from '../harness/postgres.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

it('"work" does jobs without serving and ends well on SIGTERM', async () => {
  const database = await createTestDatabase();
  const client = await database.connect();
  const child = spawn(process.execPath, [main, 'work'], {
    env: { PATH: process.env.PATH, DATABASE_URL: database.url },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    await client.query(`select graphile_worker.add_job('accounts.forget_idempotency_keys', '{}')`);
    const count = async () => (await client.query('select from graphile_worker._private_jobs')).rowCount;
    await expect.poll(count, { timeout: 20_000 }).toBe(0);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await client.query('select from job_workers')).rowCount).toBe(0);
  } finally {
    child.kill('SIGKILL');
    await database.drop();
  }
});
