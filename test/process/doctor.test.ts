import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startDistanceProxy } from '../../bench/distance.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { listen } from '../harness/listen.ts';
import { makeTestDirectory } from '../harness/make-test-directory.ts';
import { pgBouncerKeepsPrepared, pgBouncerVersion, startPgBouncer } from '../harness/pgbouncer.ts';
import { CANARY, runCommand, type SoundSetUp, startSoundSetUp } from './doctor-set-up.ts';
import { startServerProcess } from './server-process.ts';

let sound: SoundSetUp;

beforeAll(async () => {
  sound = await startSoundSetUp();
});

afterAll(() => sound?.stop());

it('has nothing to say of a sound set-up but figures, and its exit code is 0', async () => {
  expect(await sound.diagnose()).toEqual([]);
  const { code, output } = await runCommand(['doctor'], sound.variables);
  expect(code).toBe(0);
  for (const line of output.trimEnd().split('\n').slice(0, -2)) expect(line).toMatch(/^✓ [a-z-]+/);
  expect(output).toMatch(/^✓ round trip +\S+ is \d+(\.\d)? ms away/m);
  expect(output).toMatch(/\n\nNothing to do\.\n$/);
});

describe('finds', () => {
  it.each([
    ['kept at all times', { DATABASE_POOL_SIZE: '1000' }, 'broken'],
    ['when it is busy', { DATABASE_POOL_OVERFLOW: '1000' }, 'advice'],
  ])('a pool larger than the server allows, %s', async (when, variables, level) => {
    const findings = await sound.diagnose(variables);
    expect(findings).toEqual([expect.objectContaining({ check: 'pool', level })]);
    expect(findings[0]?.what).toMatch(new RegExp(`of the \\d+ that the database allows, ${when}`));
  });

  it('a pool that is too large for so many servers', async () => {
    const findings = await sound.diagnose({}, { args: ['--instances', '50'] });
    expect(findings).toEqual([expect.objectContaining({ check: 'pool', level: 'broken' })]);
  });

  it('a frozen Redis', async () => {
    sound.redis.freeze();
    const findings = await sound.diagnose().finally(() => sound.redis.thaw());
    expect(findings).toEqual([expect.objectContaining({ check: 'redis', level: 'broken' })]);
    expect(findings[0]?.what).toMatch(/^Redis does not answer: /);
  });

  it('a Redis that drops keys when it is full', async () => {
    const client = new Redis(sound.redis.url);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const findings = await sound.diagnose().finally(() => client.config('SET', 'maxmemory-policy', 'noeviction'));
    client.disconnect();
    expect(findings).toEqual([expect.objectContaining({ check: 'redis', level: 'advice' })]);
    expect(findings[0]?.what).toContain('maxmemory-policy allkeys-lru');
  });

  it('time-outs that contradict each other', async () => {
    const findings = await sound.diagnose({ DATABASE_STATEMENT_BUDGET_MS: '12000', REQUEST_BUDGET_MS: '11000' });
    expect(findings).toHaveLength(2);
    expect(findings[0]).toMatchObject({
      check: 'time-outs',
      level: 'advice',
      what: expect.stringContaining('DATABASE_STATEMENT_BUDGET_MS (12000) is more than REQUEST_BUDGET_MS (11000)'),
    });
    expect(findings[1]?.what).toContain('SIGN_IN_BUDGET_MS (8000)');
  });

  it('a model that is not reached', async () => {
    const findings = await sound.diagnose({ MODEL_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect(findings).toEqual([expect.objectContaining({ check: 'models', level: 'broken' })]);
    expect(findings[0]?.what).toMatch(/^stub at 127\.0\.0\.1:1 is not reached: .*ECONNREFUSED/);
  });

  it.each([
    [401, 'broken', /refuses the key \(401\)/],
    [403, 'broken', /refuses the key \(403\)/],
    [404, 'advice', /answers 404/],
    [500, 'advice', /answers 500/],
  ])('a model that answers %i', async (status, level, what) => {
    const server = createServer((_request, response) => response.writeHead(status).end());
    const port = await listen(server);
    const findings = await sound.diagnose({ MODEL_BASE_URL: `http://127.0.0.1:${port}/v1` });
    server.close();
    expect(findings).toEqual([expect.objectContaining({ check: 'models', level, what: expect.stringMatching(what) })]);
  });

  it('a model at a private address that is not allowed', async () => {
    const findings = await sound.diagnose({ MODEL_BASE_URL: 'http://10.255.255.1/v1' });
    expect(findings).toEqual([expect.objectContaining({ check: 'models', level: 'broken' })]);
    expect(findings[0]?.what).toContain('address is private');
  });

  it('a Redis that wants another password, and keeps ours to itself', async () => {
    const client = new Redis(sound.redis.url);
    await client.config('SET', 'requirepass', 'the right one');
    const url = sound.redis.url.replace('//', `//:${CANARY}@`);
    const findings = await sound.diagnose({ REDIS_URL: url }).finally(() => client.config('SET', 'requirepass', ''));
    client.disconnect();
    expect(findings).toEqual([expect.objectContaining({ check: 'redis', level: 'broken' })]);
    expect(findings[0]?.what).toContain('WRONGPASS');
  });

  it('a low limit of open files', async () => {
    const findings = await sound.diagnose({}, { files: 256 });
    expect(findings).toEqual([expect.objectContaining({ check: 'open files', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/^a process may have 256/);
  });

  it('a slow link to the database', async () => {
    const { hostname, port } = new URL(sound.databaseUrl);
    const proxy = await startDistanceProxy({ target: { host: hostname, port: Number(port) }, delayMs: 50 });
    const url = new URL(sound.databaseUrl);
    url.host = `127.0.0.1:${proxy.port}`;
    const findings = await sound.diagnose({ DATABASE_URL: url.href });
    await proxy.close();
    expect(findings).toEqual([expect.objectContaining({ check: 'round trip', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/is [1-9]\d\d ms away/);
  });

  it('a database that takes everything and says nothing', async () => {
    const proxy = await startFaultProxy(sound.databaseUrl);
    proxy.setMode('black-hole');
    const findings = await sound.diagnose({ DATABASE_URL: proxy.url });
    await proxy.close();
    expect(findings).toEqual([expect.objectContaining({ check: 'database', level: 'broken' })]);
  });
});

describe('finds broken, as the start is refused,', () => {
  it.each([
    ['IDENTITY_FILE', 'sign-in'],
    ['MODELS_FILE', 'models'],
    ['PLANS_FILE', 'plans'],
  ])('each fault of the %s', async (variable, check) => {
    const file = join(await makeTestDirectory(), 'file.json');
    await writeFile(file, '{"one": 1, "two": 2}');
    const own = { MODEL_BASE_URL: undefined, MODEL_API_KEY: undefined, MODEL_NAME: undefined, [variable]: file };
    const findings = await sound.diagnose(own);
    expect(findings.length).toBeGreaterThan(1);
    for (const { what, ...finding } of findings) {
      expect(finding).toMatchObject({ check, level: 'broken' });
      expect(what).toMatch(new RegExp(`^${variable}: `));
    }
  });

  const diagnoseIn = (directory: string) => sound.diagnose({ DATABASE_URL: undefined, DATA_DIR: directory });

  it('a DATA_DIR below a file', async () => {
    const file = join(await makeTestDirectory(), 'file');
    await writeFile(file, '');
    const findings = await diagnoseIn(join(file, 'data'));
    expect(findings).toEqual([expect.objectContaining({ check: 'database', level: 'broken' })]);
    expect(findings[0]?.what).toContain('ENOTDIR');
  });

  // Modes do not keep root out.
  it.skipIf(process.getuid?.() === 0).each([
    ['that may not be entered', 0o000, 'data'],
    ['that may not be written to', 0o500, 'data'],
    ['that is to be made in one that may not be written to', 0o500, 'data/more/of/it'],
  ])('a DATA_DIR %s', async (_, mode, path) => {
    const directory = await makeTestDirectory();
    await mkdir(join(directory, 'data'), { mode });
    const findings = await diagnoseIn(join(directory, path));
    await chmod(join(directory, 'data'), 0o700);
    expect(findings).toEqual([expect.objectContaining({ check: 'database', level: 'broken' })]);
    expect(findings[0]?.what).toContain('EACCES');
  });
});

describe.skipIf(pgBouncerVersion() === undefined)('of a pooler', () => {
  const transaction = { pool_mode: 'transaction', default_pool_size: '5', max_client_conn: '200' };

  async function startBouncer(settings: Record<string, string>): Promise<string> {
    const bouncer = await startPgBouncer(sound.databaseUrl, { ...transaction, ...settings });
    onTestFinished(() => bouncer.stop());
    return bouncer.url;
  }

  it('in transaction mode says that it needs a direct way beside it', async () => {
    const findings = await sound.diagnose({ DATABASE_URL: await startBouncer({}) });
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toMatch(/^Set DATABASE_DIRECT_URL/);
  });

  it('that forgets prepared statements says which setting keeps them', async () => {
    const forgets = pgBouncerKeepsPrepared() ? { max_prepared_statements: '0' } : {};
    const variables = { DATABASE_URL: await startBouncer(forgets), DATABASE_DIRECT_URL: sound.databaseUrl };
    const findings = await sound.diagnose(variables);
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toContain('max_prepared_statements');
  });

  it('in session mode says what the role must be told, and then nothing', async () => {
    const url = await startBouncer({ pool_mode: 'session' });
    const findings = await sound.diagnose({ DATABASE_URL: url });
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'advice' })]);
    expect(findings[0]?.what_to_do).toContain(`set statement_timeout = '30000ms'`);
    const name = new URL(sound.databaseUrl).pathname.slice(1);
    await sound.admin.query(`alter database ${name} set statement_timeout = '30000ms'`);
    // Not one that has connections from before.
    expect(await sound.diagnose({ DATABASE_URL: await startBouncer({ pool_mode: 'session' }) })).toEqual([]);
    await sound.admin.query(`alter database ${name} reset statement_timeout`);
  });

  it.each([
    ['search_path', 'elsewhere'],
    ['datestyle', 'German'],
  ])('says that it passes on no other %s than that of the role', async (setting, value) => {
    const name = new URL(sound.databaseUrl).pathname.slice(1);
    onTestFinished(async () => void (await sound.admin.query(`alter database ${name} reset all`)));
    await sound.admin.query(`alter database ${name} set ${setting} = '${value}'`);
    const findings = await sound.diagnose({ DATABASE_URL: await startBouncer({ pool_mode: 'session' }) });
    expect(findings).toEqual([expect.objectContaining({ check: 'pooler', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toContain(`set ${setting} =`);
  });
});

it('counts the servers that run, each once, and has two without Redis get one', async () => {
  const directory = await makeTestDirectory();
  const variables = { DATABASE_URL: sound.databaseUrl, DATA_DIR: directory, LOG_LEVEL: 'error' };
  const examine = async () => (await runCommand(['doctor'], variables)).output;
  const start = async (): Promise<void> => {
    const server = await startServerProcess(variables);
    onTestFinished(async () => void (await server.end('SIGTERM')));
  };
  await start();
  expect(await examine()).toMatch(/^✓ pool +1 × \(10 \+ 20 \+ 5\) [\s\S]*^✓ redis +none/m);
  await start();
  expect(await examine()).toMatch(/^✓ pool +2 × [\s\S]*^! redis +2 servers without Redis/m);
});

it('says all that is wrong with the configuration', async () => {
  const findings = await sound.diagnose({ DATABASE_POOL_SIZE: 'ten', DATABASE_POOL_SIZES: '1' });
  expect(findings.map(({ check, level }) => [check, level])).toEqual([
    ['configuration', 'broken'],
    ['configuration', 'broken'],
  ]);
});

it('looks at the embedded database, starts it if need be, and makes none', async () => {
  const directory = await makeTestDirectory();
  const variables = { DATA_DIR: join(directory, 'data'), LOG_LEVEL: 'silent' };
  const doctor = () => runCommand(['doctor'], variables);
  expect(await doctor()).toMatchObject({ code: 0, output: expect.stringContaining('the first start makes it') });
  expect((await runCommand(['migrate'], variables)).code).toBe(0);
  expect(await doctor()).toMatchObject({ code: 0, output: expect.stringContaining('✓ indexes') });
});
