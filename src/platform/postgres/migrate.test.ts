import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/postgres.ts';
import { createLogger } from '../log/index.ts';
import { migrate } from './migrate.ts';

let database: TestDatabase;
let admin: Client;
let lines: string[];

beforeEach(async () => {
  database = await createTestDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  // The harness has run the migrations of the code itself; here there are none.
  await admin.query('drop schema public cascade; create schema public');
  lines = [];
});

afterEach(async () => {
  await admin.end();
  await database.drop();
});

async function folder(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel [migrations] '));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

function run(...folders: string[]): Promise<string[]> {
  const log = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  return migrate({ url: database.url, folders, log });
}

async function indexes(): Promise<string[]> {
  const { rows } = await admin.query(`select relname from pg_class c join pg_index i on i.indexrelid = c.oid
    where i.indisvalid and relnamespace = 'public'::regnamespace and relname like 'i%' order by 1`);
  return rows.map(({ relname }) => relname);
}

/** Whether a migration has changed `t` and not yet committed that. */
async function isTableLocked(): Promise<boolean> {
  const { rows } = await admin.query(
    `select from pg_locks where relation = 't'::regclass and mode = 'AccessExclusiveLock' and granted`,
  );
  return rows.length > 0;
}

test('a server that is too old is told so, and nothing is made there', async () => {
  const folders = [await folder({ '1_t.sql': 'create table t ()' })];
  const log = createLogger({ level: 'silent' });
  const migrated = migrate({ url: database.url, folders, log, oldestServer: 990_000 });
  await expect(migrated).rejects.toThrow(/^this is PostgreSQL \d+\.\d+.*: upgrade to PostgreSQL 99 or later$/);
  expect((await admin.query('select from pg_tables where schemaname = $1', ['public'])).rowCount).toBe(0);
});

const CONCURRENTLY = `-- no transaction
drop index concurrently if exists i_b; -- a leftover; of an interrupted run
create index concurrently i_b on t (b) where b <> ';';
/* and; another */ create index concurrently if not exists i_c on t (c);
-- the end;
`;

test('a migration takes as long as it takes, whatever the role or the database is set to', async () => {
  const name = admin.escapeIdentifier(admin.database ?? '');
  await admin.query(
    `alter database ${name} set statement_timeout = 500; alter database ${name} set transaction_timeout = 500`,
  );
  expect(await run(await folder({ '1_slow.sql': 'select pg_sleep(1);' }))).toEqual(['1_slow']);
});

test('of a new database one line tells how much is to be run, of another also what is run', async () => {
  const first = await folder({ '1_a.sql': 'create table t (a int)', '2_b.sql': 'alter table t add b text' });
  const second = await folder({ '3_c.sql': 'alter table t add c text' });
  const tell = () => lines.splice(0).map((line) => ({ ...JSON.parse(line), time: undefined }));
  await run(first);
  expect(tell()).toEqual([{ level: 'info', migrations: 2, msg: 'migrating the database' }]);
  await run(first, second);
  expect(tell()).toEqual([
    { level: 'info', migrations: 1, msg: 'migrating the database' },
    { level: 'info', migration: '3_c', msg: 'running a migration' },
  ]);
  await run(first, second);
  expect(tell()).toEqual([]);
});

test('files of several folders run once, in the order of their names', async () => {
  const first = await folder({ '20260101000001_a.sql': 'create table t (a int)', 'README.md': 'not one of them' });
  const second = await folder({ '20260101000002_b.sql': 'alter table t add b text; alter table t add c text;' });
  const third = await folder({ '20260101000003_c.sql': "insert into t (a, b, c) values (1, '2', '{x}')" });
  const names = ['20260101000001_a', '20260101000002_b', '20260101000003_c'];
  expect(await run(third, first, second)).toEqual(names);
  expect(await run(third, first, second)).toEqual([]);
  expect((await admin.query('select * from t')).rows).toEqual([{ a: 1, b: '2', c: '{x}' }]);
  const { rows } = await admin.query('select name from public.evenkeel_migrations order by id');
  expect(rows.map(({ name }) => name)).toEqual(names);
});

test('an older file that comes later still runs', async () => {
  const later = await folder({ '20260101000002_b.sql': 'create table b ()' });
  await run(later);
  expect(await run(later, await folder({ '20260101000001_a.sql': 'create table a ()' }))).toEqual(['20260101000001_a']);
});

test('a file without a transaction runs statement by statement', async () => {
  const directory = await folder({
    '20260101000001_t.sql': 'create table t (b text, c text)',
    '20260101000002_i.sql': CONCURRENTLY,
  });
  await run(directory);
  expect(await indexes()).toEqual(['i_b', 'i_c']);
});

test('two servers that start at once take turns, also to build an index concurrently', async () => {
  const directory = await folder({
    '20260101000001_t.sql': `create table t as select 'b' || n as b, 'c' || n as c from generate_series(1, 200000) n`,
    '20260101000002_i.sql': CONCURRENTLY,
    '20260101000003_once.sql': 'create table once ()',
  });
  const ran = await Promise.all([run(directory), run(directory), run(directory)]);
  expect(ran.map((names) => names.length).sort()).toEqual([0, 0, 3]);
  expect(await indexes()).toEqual(['i_b', 'i_c']);
  expect(lines.some((line) => line.includes('waiting for it'))).toBe(true);
});

test('a migration that fails says which file and why, and leaves nothing behind', async () => {
  const directory = await folder({
    '20260101000001_good.sql': 'create table good ()',
    '20260101000002_bad.sql': 'create table half (); select nonsense',
  });
  await expect(run(directory)).rejects.toThrow(/20260101000002_bad\.sql failed: column "nonsense" does not exist/);
  expect((await admin.query(`select to_regclass('good') as good, to_regclass('half') as half`)).rows).toEqual([
    { good: 'good', half: null },
  ]);
  await writeFile(join(directory, '20260101000002_bad.sql'), 'create table half ()');
  expect(await run(directory)).toEqual(['20260101000002_bad']);
});

test('a table that is in use is waited for, in several short tries', async () => {
  await admin.query('create table t ()');
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('begin; lock table t');
  const release = setTimeout(() => void holder.query('commit'), 5_500);
  try {
    expect(await run(await folder({ '20260101000001_t.sql': 'alter table t add a int' }))).toHaveLength(1);
  } finally {
    clearTimeout(release);
    await holder.end();
  }
  expect(lines.some((line) => line.includes('trying again'))).toBe(true);
});

test('a migration in a deadlock with statements of a running server is tried again', async () => {
  await admin.query('create table t (a int); create table u (a int)');
  // So it is the migration that Postgres ends, before that gives way by itself.
  const { rows } = await admin.query('select current_database() as name');
  await admin.query(`alter database ${rows[0].name} set deadlock_timeout = '100ms'`);
  await admin.query("set deadlock_timeout = '30s'");
  const directory = await folder({
    '20260101000001_both.sql': 'alter table t add b int; select pg_sleep(0.5); alter table u add b int',
  });
  await admin.query('begin; insert into u values (1)');
  const running = run(directory);
  await expect.poll(isTableLocked).toBe(true);
  await admin.query('select * from t');
  await admin.query('commit');
  expect(await running).toEqual(['20260101000001_both']);
  expect(lines.filter((line) => line.includes('trying again'))).toEqual([expect.stringContaining('deadlock detected')]);
});

test('the bound that a hosted database sets for statements does not hold for migrations', async () => {
  const name = new URL(database.url).pathname.slice(1);
  await admin.query(`alter database ${name} set statement_timeout = '100ms'`);
  await expect(run(await folder({ '1_slow.sql': 'select pg_sleep(0.3)' }))).resolves.toHaveLength(1);
});

test('two files with one name are refused, naming both', async () => {
  const [a, b] = [await folder({ '1_a.sql': 'select 1' }), await folder({ '1_a.sql': 'select 2' })];
  await expect(run(a, b)).rejects.toThrow(`${join(a, '1_a.sql')} and ${join(b, '1_a.sql')}`);
});

test('a file whose name is of another form is refused', async () => {
  await expect(run(await folder({ "1_it's.sql": 'select 1' }))).rejects.toThrow('<timestamp>_<name>.sql');
});

test('a database ahead of the code is warned of and served', async () => {
  const directory = await folder({ '1_a.sql': 'select 1' });
  await run(directory, await folder({ '2_later.sql': 'select 2' }));
  lines = [];
  expect(await run(directory)).toEqual([]);
  expect(lines.filter((line) => line.includes('does not know') && line.includes('2_later'))).toHaveLength(1);
});

test('with nothing to do it costs one query', async () => {
  await admin.query('create extension pg_stat_statements');
  const directory = await folder({ '1_a.sql': 'select 1' });
  await run(directory);
  await admin.query('select pg_stat_statements_reset()');
  await run(directory);
  const { rows } = await admin.query(`select query from pg_stat_statements s join pg_database d on d.oid = s.dbid
    where d.datname = current_database() and query not like '%pg_stat_statements%'`);
  expect(rows).toEqual([{ query: 'select name from public.evenkeel_migrations' }]);
});

test('makes tables in the schema public where the search path leads elsewhere', async () => {
  await admin.query(`create schema elsewhere; alter database ${admin.escapeIdentifier(admin.database ?? '')}
    set search_path = elsewhere, public`);
  await run(await folder({ '1_t.sql': 'create table t (a integer)' }));
  const { rows } = await admin.query(
    `select relnamespace::regnamespace::text as schema from pg_class where relname = 't'`,
  );
  expect(rows).toEqual([{ schema: 'public' }]);
});
