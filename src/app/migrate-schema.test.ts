import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { ask, createTestDatabase, withDatabase } from '../../test/harness/postgres.ts';
import { installJobSchema } from '../platform/jobs/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { migrateSchema } from './migrate-schema.ts';

const IS_EMPTY = 'drop schema graphile_worker cascade; drop schema public cascade; create schema public';
// What the guide "From one machine to many" gives the servers' role.
const IS_BEHIND = `
  grant usage on schema graphile_worker to public;
  grant select, insert, update, delete on all tables in schema public, graphile_worker to public;
  delete from evenkeel_migrations where name = '20261123000603_turns_to_stop'`;

const log = createLogger({ level: 'silent' });

it.each([
  ['is empty', IS_EMPTY, 'permission denied for schema public'],
  ['has a schema public of somebody else', `${IS_EMPTY}; grant usage on schema public to public`, 'for schema public'],
  ['is a migration behind', IS_BEHIND, /^migration .* failed: must be owner of index chat_turns_to_stop/],
])('a role that may not change the schema of a database that %s is told who may', async (_, prepare, reason) => {
  const database = await createTestDatabase();
  const admin = await database.connect();
  const role = `limited_${randomUUID().replaceAll('-', '')}`;
  onTestFinished(async () => {
    await database.drop();
    await ask(withDatabase(database.url, 'postgres'), `drop role ${role}`);
  });
  await admin.query(prepare);
  await admin.query(`create role ${role} login password 'limited'`);
  await admin.query(`grant create on database ${admin.escapeIdentifier(admin.database ?? '')} to ${role}`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'limited' }).href;
  const migrated = migrateSchema(url, log);
  await expect(migrated).rejects.toThrow(reason);
  await expect(migrated).rejects.toThrow('may not change the schema: run "evenkeel migrate" with its owner');
});

it.each([
  [
    'takes no writes',
    'alter database %s set default_transaction_read_only = on',
    'reset default_transaction_read_only',
  ],
  ['has no schema public', 'drop schema public', 'make it by "create schema public"'],
  ['has a table of another program', 'create table users (id integer)', 'give Evenkeel one of its own'],
  [
    'has jobs of another program',
    `select graphile_worker.add_job('theirs'); create table theirs (id integer)`,
    'jobs of another program: give Evenkeel a database of its own',
  ],
])('says what to do about a database that %s', async (_, prepare, todo) => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const admin = await database.connect();
  await admin.query(IS_EMPTY);
  await installJobSchema(database.url, log);
  await admin.query(prepare.replace('%s', admin.escapeIdentifier(admin.database ?? '')));
  await expect(migrateSchema(database.url, log)).rejects.toThrow(todo);
});

it.each(['_private_tasks', 'tasks', 'jobs'])(
  'leaves a database as it was in which another program keeps its jobs in graphile_worker.%s',
  async (table) => {
    const database = await createTestDatabase();
    onTestFinished(() => database.drop());
    const admin = await database.connect();
    const theirs = admin.escapeIdentifier(table);
    await admin.query(`${IS_EMPTY}; create schema graphile_worker; create table graphile_worker.${theirs} as select 1`);
    await expect(migrateSchema(database.url, log)).rejects.toThrow('jobs of another program');
    const { rows } = await admin.query(`select relname from pg_class where relkind = 'r'
      and relnamespace in ('public'::regnamespace, 'graphile_worker'::regnamespace)`);
    expect(rows).toEqual([{ relname: table }]);
  },
);

it('says what to do about a database that does not keep every character', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const admin = await database.connect();
  const name = `latin_${randomUUID().replaceAll('-', '')}`;
  onTestFinished(async () => void (await admin.query(`drop database ${name}`)));
  await admin.query(`create database ${name} template template0 encoding 'LATIN1' locale 'C'`);
  await expect(migrateSchema(withDatabase(database.url, name), log)).rejects.toThrow(`make one with encoding 'UTF8'`);
});
