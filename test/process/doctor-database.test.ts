import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listIndexCreations, listNeededIndexes } from '../../src/app/doctor/needed-indexes.ts';
import { runCommand, type SoundSetUp, startSoundSetUp } from './doctor-set-up.ts';

let sound: SoundSetUp;

beforeAll(async () => {
  sound = await startSoundSetUp();
});

afterAll(() => sound?.stop());

it('knows how to make every index again that belongs to no constraint', async () => {
  const { rows } = await sound.admin.query<{ name: string }>(`select c.relname as name
    from pg_constraint k join pg_class c on c.oid = k.conindid`);
  const ofConstraints = new Set(rows.map(({ name }) => name));
  const creations = await listIndexCreations();
  const needed = [...(await listNeededIndexes()).keys()];
  // What the library of jobs brings along comes back with it.
  const ours = needed.filter((name) => !ofConstraints.has(name) && !name.startsWith('jobs_main'));
  const definitions = async () =>
    (await sound.admin.query('select indexname, indexdef from pg_indexes where indexname = any($1) order by 1', [ours]))
      .rows;
  const before = await definitions();
  await sound.admin.query('set search_path = public, graphile_worker, mood, pam, todo');
  for (const name of ours) {
    await sound.admin.query(`drop index ${name}`);
    await sound.admin.query(creations.get(name) ?? `select '${name} is unknown'`);
  }
  await sound.admin.query('reset search_path');
  expect(await definitions()).toEqual(before);
});

describe('the doctor finds', () => {
  it('a dropped index, and the statement that makes it again', async () => {
    await sound.admin.query('drop index chat_sessions_recent');
    const [finding, ...others] = await sound.diagnose();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: 'indexes', level: 'broken' });
    expect(finding?.what).toMatch(/^chat_sessions_recent is missing, which .*chat\.list_sessions/);
    await sound.admin.query(finding?.what_to_do ?? '');
    expect(await sound.diagnose()).toEqual([]);
  });

  it('an invalid index, and the statement that mends it', async () => {
    await sound.admin.query(`update pg_index set indisvalid = false where indexrelid = 'chat_turns_session'::regclass`);
    const [finding, ...others] = await sound.diagnose();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: 'indexes', level: 'broken' });
    expect(finding?.what).toMatch(/^chat_turns_session, .* is not valid/);
    await sound.admin.query(finding?.what_to_do ?? '');
    expect(await sound.diagnose()).toEqual([]);
  });

  it('an index that serves nothing', async () => {
    await sound.admin.query(`create table visits as select n, n % 7 as place from generate_series(1, 20000) n;
      create index visits_place on visits (place); analyze visits`);
    const findings = await sound.diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'indexes', level: 'advice' })]);
    expect(findings[0]?.what_to_do).toBe('drop index concurrently "public"."visits_place";');
    await sound.admin.query('drop table visits');
  });

  it('an index that plans pass over', async () => {
    await sound.admin.query(`insert into users (user_id, username, plan)
      select gen_random_uuid(), 'user-' || n, 'free' from generate_series(1, 20000) n; analyze users`);
    for (let times = 0; times < 100; times++) await sound.admin.query('select count(plan) from users');
    await sound.admin.query('select pg_stat_force_next_flush()');
    const findings = await sound.diagnose();
    await sound.admin.query('truncate users cascade');
    for (const finding of findings) expect(finding).toMatchObject({ check: 'indexes', level: 'advice' });
    expect(findings.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(
        /^users_username_key, .*was never used, and users \(20000 rows\) was read whole \d+ times$/,
      ),
    );
  });

  it('a statement that is slow', async () => {
    await sound.admin.query('create extension pg_stat_statements');
    const sleep = async () => {
      const client = new Client({ connectionString: sound.databaseUrl });
      await client.connect();
      for (let times = 0; times < 10; times++) await client.query('select pg_sleep($1)', [0.12]);
      await client.end();
    };
    await Promise.all(Array.from({ length: 10 }, sleep));
    const findings = await sound.diagnose();
    await sound.admin.query('drop extension pg_stat_statements');
    expect(findings).toEqual([expect.objectContaining({ check: 'statements', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/^\d+ ms on average, 100 times: select pg_sleep\(\$1\)/);
  });

  it('a table that was never analyzed', async () => {
    await sound.admin.query(`create table visits (n integer) with (autovacuum_enabled = off);
      insert into visits select generate_series(1, 20000); select pg_stat_force_next_flush()`);
    const findings = await sound.diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'vacuum', level: 'advice' })]);
    await sound.admin.query(findings[0]?.what_to_do?.split(';')[0] ?? '');
    expect(await sound.diagnose()).toEqual([]);
    await sound.admin.query('drop table visits');
  });

  it('migrations that have not run, and then misses no index', async () => {
    const name = '20261123000603_turns_to_stop';
    await sound.admin.query('delete from evenkeel_migrations where name = $1', [name]);
    await sound.admin.query('drop index chat_turns_to_stop');
    const findings = await sound.diagnose();
    expect(findings).toEqual([expect.objectContaining({ check: 'schema', level: 'advice' })]);
    expect(findings[0]?.what).toContain(name);
    expect((await runCommand(['migrate'], { ...sound.variables, LOG_LEVEL: 'silent' })).code).toBe(0);
    expect(await sound.diagnose()).toEqual([]);
  });

  it('a role that may not run the migrations that have not run', async () => {
    const name = '20261123000603_turns_to_stop';
    await sound.admin.query('delete from evenkeel_migrations where name = $1', [name]);
    await sound.admin.query(
      `create role doctor_guest login password 'guest'; grant select on evenkeel_migrations to doctor_guest`,
    );
    const url = Object.assign(new URL(sound.databaseUrl), { username: 'doctor_guest', password: 'guest' }).href;
    const findings = await sound.diagnose({ DATABASE_URL: url });
    await sound.admin.query('insert into evenkeel_migrations (name, run_on) values ($1, now())', [name]);
    await sound.admin.query('drop owned by doctor_guest; drop role doctor_guest');
    expect(findings).toEqual([expect.objectContaining({ check: 'schema', level: 'broken' })]);
    expect(findings[0]?.what).toMatch(/may not run them$/);
  });

  it('a database that is read-only', async () => {
    const name = sound.admin.escapeIdentifier(sound.admin.database ?? '');
    await sound.admin.query(`alter database ${name} set default_transaction_read_only = on`);
    const findings = await sound.diagnose();
    await sound.admin.query(`alter database ${name} reset default_transaction_read_only`);
    expect(findings).toEqual([expect.objectContaining({ check: 'writes', level: 'broken' })]);
  });

  it('a database that loses in a crash what it has answered', async () => {
    const name = sound.admin.escapeIdentifier(sound.admin.database ?? '');
    await sound.admin.query(`alter database ${name} set synchronous_commit = off`);
    const findings = await sound.diagnose();
    await sound.admin.query(`alter database ${name} reset synchronous_commit`);
    expect(findings).toEqual([expect.objectContaining({ check: 'writes', level: 'advice' })]);
    expect(findings[0]?.what).toMatch(/synchronous_commit is off$/);
  });

  it('tables that the role may not use, as after a restore as somebody else, and the statements that let it', async () => {
    await sound.admin.query(`create role "Doctor's guest" login password 'guest';
      grant select on evenkeel_migrations to "Doctor's guest";
      create schema auth; create table auth.users (id integer constraint users_pkey primary key)`);
    const url = Object.assign(new URL(sound.databaseUrl), { username: "Doctor's guest", password: 'guest' }).href;
    const diagnose = () => sound.diagnose({ DATABASE_URL: url });
    const findings = await diagnose();
    await sound.admin.query(findings[0]?.what_to_do?.replace('As their owner: ', '') ?? '');
    const findingsAfter = await diagnose();
    await sound.admin.query(`drop schema auth cascade; drop owned by "Doctor's guest"; drop role "Doctor's guest"`);
    expect(findings).toEqual([expect.objectContaining({ check: 'rights', level: 'broken' })]);
    expect(findings[0]?.what_to_do).not.toContain('auth');
    expect(findings[0]?.what).toMatch(/may not read and write .*, …$/);
    expect(findingsAfter).toEqual([]);
  });

  it('a migration table that the role may not read', async () => {
    await sound.admin.query(`create role doctor_guest login password 'guest'`);
    const url = Object.assign(new URL(sound.databaseUrl), { username: 'doctor_guest', password: 'guest' }).href;
    const findings = await sound.diagnose({ DATABASE_URL: url });
    await sound.admin.query('drop role doctor_guest');
    expect(findings).toEqual([expect.objectContaining({ check: 'database', level: 'broken' })]);
    expect(findings[0]?.what_to_do).toMatch(/^Let the owner of the tables grant this role/);
  });

  it.each([
    ['another encoding than UTF8', `encoding 'LATIN1' locale 'C'`, 'broken', /LATIN1/],
    ['an encoding that has no "Ä" of one code', `encoding 'EUC_JP' locale 'C'`, 'broken', /EUC_JP/],
    ['a locale that knows a to z alone', `encoding 'UTF8' locale_provider libc locale 'C'`, 'advice', /a to z alone/],
  ])('a database with %s', async (_, ...[options, level, what]) => {
    const name = `${sound.admin.database}_text`;
    await sound.admin.query(`create database "${name}" template template0 ${options}`);
    const url = Object.assign(new URL(sound.databaseUrl), { pathname: `/${name}` }).href;
    const findings = await sound.diagnose({ DATABASE_URL: url });
    await sound.admin.query(`drop database "${name}"`);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'text', level, what: expect.stringMatching(what) }),
    );
  });

  it('migrations of a later version, but none of an assistant that was taken away', async () => {
    const later = '29990101000001_later';
    const insert = 'insert into evenkeel_migrations (name, run_on) select unnest($1::text[]), now()';
    await sound.admin.query(insert, [[later, '20261123000702_notes']]);
    const findings = await sound.diagnose();
    await sound.admin.query('delete from evenkeel_migrations where name = any($1)', [[later, '20261123000702_notes']]);
    expect(findings).toEqual([expect.objectContaining({ check: 'schema', level: 'advice' })]);
    expect(findings[0]?.what).toBe(`1 migration of a later version has run: ${later}`);
  });
});
