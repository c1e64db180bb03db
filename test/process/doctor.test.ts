import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDistanceProxy } from '../../bench/distance.ts';
import type { Finding, Level } from '../../src/app/doctor/finding.ts';
import { listIndexCreations, listNeededIndexes } from '../../src/app/doctor/needed-indexes.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { pgBouncerVersion, startPgBouncer } from '../harness/pgbouncer.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { startTestRedis, type TestRedis } from '../harness/redis.ts';
import { type StubProvider, startStubProvider } from '../stubs/provider.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const canary = 'sk-canary-5f0c9a1d7b';
const exitCodes: Record<Level, number> = { ok: 0, advice: 1, broken: 2 };

let database: TestDatabase;
let admin: Client;
let redis: TestRedis;
let provider: StubProvider;
let sound: Record<string, string>;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  redis = await startTestRedis();
  provider = await startStubProvider();
  sound = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    MODEL_BASE_URL: provider.url,
    MODEL_API_KEY: canary,
    MODEL_NAME: 'stub',
  };
});

afterAll(async () => {
  await provider?.close();
  await redis?.stop();
  await admin?.end();
  await database?.drop();
});

/** Runs a command line with these variables and none of the tests' own; answers its exit code and what it wrote. */
function run(command: string, args: string[], variables: Record<string, string>) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    const env = { PATH: process.env.PATH, ...variables };
    execFile(command, args, { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/** What the doctor finds wrong, with the variables of a sound set-up and these. */
async function diagnose(
  variables: Record<string, string> = {},
  { files, args = [] }: { files?: number; args?: string[] } = {},
): Promise<Finding[]> {
  const doctor = [process.execPath, main, 'doctor', '--json', ...args];
  const limit = files === undefined ? '' : `ulimit -n ${files}; `;
  const { code, output } = await run('sh', ['-c', `${limit}exec "$@"`, 'sh', ...doctor], { ...sound, ...variables });
  const { level, findings } = JSON.parse(output) as { level: Level; findings: Finding[] };
  expect(output).not.toContain(canary);
  expect(code).toBe(exitCodes[level]);
  for (const finding of findings) expect(finding.what_to_do === null, finding.what).toBe(finding.level === 'ok');
  return findings.filter((finding) => finding.level !== 'ok');
}

it('has nothing to say of a sound set-up but figures, and its exit code is 0', async () => {
  expect(await diagnose()).toEqual([]);
  const { code, output } = await run(process.execPath, [main, 'doctor'], sound);
  expect(code).toBe(0);
  for (const line of output.trimEnd().split('\n').slice(0, -2)) expect(line).toMatch(/^✓ [a-z-]+/);
  expect(output).toMatch(/^✓ round trip +\S+ is \d+(\.\d)? ms away/m);
  expect(output).toMatch(/\n\nNothing to do\.\n$/);
});

it('knows how to make every index again that belongs to no constraint', async () => {
  const { rows } = await admin.query<{ name: string }>(`select c.relname as name
    from pg_constraint k join pg_class c on c.oid = k.conindid`);
  const ofConstraints = new Set(rows.map(({ name }) => name));
  const creations = await listIndexCreations();
  const needed = [...(await listNeededIndexes()).keys()];
  // What the library of jobs brings along comes back with it.
  const ours = needed.filter((name) => !ofConstraints.has(name) && !name.startsWith('jobs_main'));
  expect(ours.filter((name) => !creations.has(name))).toEqual([]);
});

describe('finds', () => {
  it('a dropped index, and the statement that makes it again', async () => {
    await admin.query('drop index chat_sessions_recent');
    const [finding, ...others] = await diagnose();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: 'indexes', level: 'broken' });
    expect(finding?.what).toMatch(/^chat_sessions_recent is missing, which chat\.list_sessions relies on/);
    await admin.query(finding?.what_to_do ?? '');
    expect(await diagnose()).toEqual([]);
  });

  it('an invalid index, and the statement that mends it', async () => {
    await admin.query(`update pg_index set indisvalid = false where indexrelid = 'chat_turns_session'::regclass`);
    const [finding, ...others] = await diagnose();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: 'indexes', level: 'broken' });
    expect(finding?.what).toMatch(/^chat_turns_session, .* is not valid/);
    await admin.query(finding?.what_to_do ?? '');
    expect(await diagnose()).toEqual([]);
  });

  it('an index that serves nothing', async () => {
    await admin.query(`create table visits as select n, n % 7 as place from generate_series(1, 20000) n;
      create index visits_place on visits (place); analyze visits`);
    const findings = await diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'indexes', level: 'advice' })]);
    expect(findings[0]?.what_to_do).toBe('drop index concurrently "public"."visits_place";');
    await admin.query('drop table visits');
  });

  it('a statement that is slow', async () => {
    await admin.query('create extension pg_stat_statements');
    const sleep = async () => {
      const client = new Client({ connectionString: database.url });
      await client.connect();
      for (let times = 0; times < 10; times++) await client.query('select pg_sleep($1)', [0.12]);
      await client.end();
    };
    await Promise.all(Array.from({ length: 10 }, sleep));
    const findings = await diagnose();
    await admin.query('drop extension pg_stat_statements');
    expect(findings).toEqual([expect.objectContaining({ check: 'statements', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/^\d+ ms on average, 100 times: select pg_sleep\(\$1\)/);
  });

  it('a table that was never analyzed', async () => {
    await admin.query(`create table visits (n integer) with (autovacuum_enabled = off);
      insert into visits select generate_series(1, 20000); select pg_stat_force_next_flush()`);
    const findings = await diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'vacuum', level: 'advice' })]);
    await admin.query(findings[0]?.what_to_do?.split(';')[0] ?? '');
    expect(await diagnose()).toEqual([]);
    await admin.query('drop table visits');
  });

  it.each([
    ['kept at all times', { DATABASE_POOL_SIZE: '1000' }, 'broken'],
    ['when it is busy', { DATABASE_POOL_OVERFLOW: '1000' }, 'advice'],
  ])('a pool larger than the server allows, %s', async (when, variables, level) => {
    const findings = await diagnose(variables);
    expect(findings).toEqual([expect.objectContaining({ check: 'pool', level })]);
    expect(findings[0]?.what).toMatch(new RegExp(`of the \\d+ that the database allows, ${when}`));
  });

  it('a pool that is too large for so many servers', async () => {
    const findings = await diagnose({}, { args: ['--instances', '50'] });
    expect(findings).toEqual([expect.objectContaining({ check: 'pool', level: 'broken' })]);
  });

  it('a frozen Redis', async () => {
    redis.freeze();
    const findings = await diagnose().finally(() => redis.thaw());
    expect(findings).toEqual([expect.objectContaining({ check: 'redis', level: 'broken' })]);
    expect(findings[0]?.what).toMatch(/^Redis does not answer: /);
  });

  it('a Redis that drops keys when it is full', async () => {
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const findings = await diagnose().finally(() => client.config('SET', 'maxmemory-policy', 'noeviction'));
    client.disconnect();
    expect(findings).toEqual([expect.objectContaining({ check: 'redis', level: 'advice' })]);
    expect(findings[0]?.what).toContain('maxmemory-policy allkeys-lru');
  });

  it('time-outs that contradict each other', async () => {
    const findings = await diagnose({ DATABASE_STATEMENT_BUDGET_MS: '12000', REQUEST_BUDGET_MS: '11000' });
    expect(findings).toHaveLength(2);
    expect(findings[0]).toMatchObject({
      check: 'time-outs',
      level: 'advice',
      what: expect.stringContaining('DATABASE_STATEMENT_BUDGET_MS (12000) is more than REQUEST_BUDGET_MS (11000)'),
    });
    expect(findings[1]?.what).toContain('SIGN_IN_BUDGET_MS (8000)');
  });

  it('a model that is not reached', async () => {
    const findings = await diagnose({ MODEL_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect(findings).toEqual([expect.objectContaining({ check: 'models', level: 'broken' })]);
    expect(findings[0]?.what).toMatch(/^stub at 127\.0\.0\.1:1 is not reached: .*ECONNREFUSED/);
  });

  it('a low limit of open files', async () => {
    const findings = await diagnose({}, { files: 256 });
    expect(findings).toEqual([expect.objectContaining({ check: 'open files', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/^a process may have 256/);
  });

  it('a slow link to the database', async () => {
    const { hostname, port } = new URL(database.url);
    const proxy = await startDistanceProxy({ target: { host: hostname, port: Number(port) }, delayMs: 50 });
    const url = new URL(database.url);
    url.host = `127.0.0.1:${proxy.port}`;
    const findings = await diagnose({ DATABASE_URL: url.href });
    await proxy.close();
    expect(findings).toEqual([expect.objectContaining({ check: 'round trip', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/is [1-9]\d\d ms away/);
  });

  it('migrations that have not run, and then misses no index', async () => {
    const name = '20261123000603_turns_to_stop';
    await admin.query('delete from evenkeel_migrations where name = $1', [name]);
    await admin.query('drop index chat_turns_to_stop');
    const findings = await diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'schema', level: 'advice' })]);
    expect(findings[0]?.what).toContain(name);
    expect((await run(process.execPath, [main, 'migrate'], { ...sound, LOG_LEVEL: 'silent' })).code).toBe(0);
    expect(await diagnose()).toEqual([]);
  });

  it('a database that takes everything and says nothing', async () => {
    const proxy = await startFaultProxy(database.url);
    proxy.setMode('black-hole');
    const findings = await diagnose({ DATABASE_URL: proxy.url });
    await proxy.close();
    expect(findings).toEqual([expect.objectContaining({ check: 'database', level: 'broken' })]);
  });
});

describe.skipIf(pgBouncerVersion() === undefined)('of a pooler', () => {
  const transaction = { pool_mode: 'transaction', default_pool_size: '5', max_client_conn: '200' };

  async function startBouncer(settings: Record<string, string>): Promise<string> {
    const bouncer = await startPgBouncer(database.url, { ...transaction, ...settings });
    onTestFinished(() => bouncer.stop());
    return bouncer.url;
  }

  it('in transaction mode says that it needs a direct way beside it', async () => {
    const findings = await diagnose({ DATABASE_URL: await startBouncer({}) });
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toMatch(/^Set DATABASE_DIRECT_URL/);
  });

  it('that forgets prepared statements says which setting keeps them', async () => {
    const forgets = (pgBouncerVersion() ?? 0) < 1.21 ? {} : { max_prepared_statements: '0' };
    const variables = { DATABASE_URL: await startBouncer(forgets), DATABASE_DIRECT_URL: database.url };
    const findings = await diagnose(variables);
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toContain('max_prepared_statements');
  });

  it('in session mode says what the role must be told, and then nothing', async () => {
    const url = await startBouncer({ pool_mode: 'session' });
    const findings = await diagnose({ DATABASE_URL: url });
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'advice' })]);
    expect(findings[0]?.what_to_do).toContain(`set statement_timeout = '30000ms'`);
    const name = new URL(database.url).pathname.slice(1);
    await admin.query(`alter database ${name} set statement_timeout = '30000ms'`);
    // Not one that has connections from before.
    expect(await diagnose({ DATABASE_URL: await startBouncer({ pool_mode: 'session' }) })).toEqual([]);
    await admin.query(`alter database ${name} reset statement_timeout`);
  });
});

it('says all that is wrong with the configuration', async () => {
  const findings = await diagnose({ DATABASE_POOL_SIZE: 'ten', DATABASE_POOL_SIZES: '1' });
  expect(findings.map(({ check, level }) => [check, level])).toEqual([
    ['configuration', 'broken'],
    ['configuration', 'broken'],
  ]);
});

it('looks at the embedded database, starts it if need be, and makes none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-doctor-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const variables = { DATA_DIR: join(directory, 'data'), LOG_LEVEL: 'silent' };
  const doctor = () => run(process.execPath, [main, 'doctor'], variables);
  expect(await doctor()).toMatchObject({ code: 0, output: expect.stringContaining('the first start makes it') });
  expect((await run(process.execPath, [main, 'migrate'], variables)).code).toBe(0);
  expect(await doctor()).toMatchObject({ code: 0, output: expect.stringContaining('✓ indexes') });
});
