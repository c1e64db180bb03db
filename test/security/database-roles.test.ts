import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { isInstalled } from '../harness/is-installed.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');
const owner = `owner_${process.pid}`;
const app = `app_${process.pid}`;

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** An empty database with the two roles of the guide; answers its URL as each of them. */
async function createRoles(database: TestDatabase): Promise<(role: string) => string> {
  const admin = await connect(database.url);
  onTestFinished(async () => {
    await admin.query(`drop owned by ${app}, ${owner} cascade; drop role ${app}; drop role ${owner}`);
  });
  const { rows } = await admin.query(`select string_agg(quote_ident(nspname), ', ') as names from pg_namespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'`);
  await admin.query(`drop schema ${rows[0].names} cascade; create schema public`);
  const guide = await readFile(join(repository, 'docs/guides/from-one-machine-to-many.md'), 'utf8');
  const [, commands = ''] = /```sql\n([\s\S]*?)```/.exec(guide) ?? [];
  const name = new URL(database.url).pathname.slice(1);
  const renamed = commands.replaceAll('database evenkeel ', `database ${name} `);
  await admin.query(renamed.replaceAll('evenkeel_owner', owner).replaceAll('evenkeel_app', app));
  await admin.query('grant usage on schema public to public');
  return (role) => {
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'secret'];
    return url.href;
  };
}

async function call(server: ServerProcess, key: string, [method, path, body]: [string, string, object?]) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(server.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a server whose role may only read and write rows serves and does jobs, and that role cannot change the schema', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const as = await createRoles(database);
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-roles-'));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  const start = () => startServerProcess({ DATA_DIR: dataDir, DATABASE_URL: as(app), LOG_LEVEL: 'warn' });
  await expect(start()).rejects.toThrow(/permission denied/);
  const env = { PATH: process.env.PATH, DATABASE_URL: as(owner) };
  await run(process.execPath, [join(repository, 'src/main.ts'), 'migrate'], { env });

  const server = await start();
  onTestFinished(async () => {
    await server.end('SIGTERM');
  });
  const key = await server.readKey();
  const { body } = await call(server, key, ['POST', '/v1/chat/sessions', {}]);
  expect((await call(server, key, ['POST', `/v1/chat/sessions/${body.id}/messages`, { content: 'Hi' }])).status).toBe(
    200,
  );
  if (isInstalled('todo')) {
    expect((await call(server, key, ['POST', '/api/todo/items', { title: 'buy milk' }])).status).toBe(201);
  }
  expect((await call(server, key, ['POST', '/v1/keys', { name: 'one more' }])).status).toBe(201);
  const rows = await connect(as(app));
  await rows.query(`select graphile_worker.add_job('activity.keep_partitions', '{}')`);
  const counts = async () => (await call(server, key, ['GET', '/admin/jobs'])).body.counts;
  await until(async () => JSON.stringify(await counts()).includes('"waiting":0,"running":0,"failed":0'));

  for (const change of [
    'create table t ()',
    'create schema s',
    'create function f() returns int language sql return 1',
    'alter table users add column x int',
    'create index on users (plan)',
    'drop table users',
    'truncate users',
  ]) {
    await expect(rows.query(change), change).rejects.toThrow(/permission denied|must be owner/);
  }
});
