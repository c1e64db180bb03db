import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../../test/harness/postgres.ts';
import { createLogger } from '../platform/log/index.ts';
import { migrateSchema } from './migrate-schema.ts';

const isEmpty = 'drop schema graphile_worker cascade; drop schema public cascade; create schema public';
// What the guide "From one machine to many" gives the servers' role.
const isBehind = `
  grant usage on schema graphile_worker to public;
  grant select, insert, update, delete on all tables in schema public, graphile_worker to public;
  delete from evenkeel_migrations where name = '20261123000603_turns_to_stop'`;

it.each([
  ['is empty', isEmpty, 'permission denied for schema public'],
  ['is a migration behind', isBehind, /^migration .* failed: must be owner of index chat_turns_to_stop/],
])('a role that may not change the schema of a database that %s is told who may', async (_, prepare, reason) => {
  const database = await createTestDatabase();
  const admin = new Client(database.url);
  await admin.connect();
  const role = `limited_${randomUUID().replaceAll('-', '')}`;
  onTestFinished(async () => {
    await admin.end();
    await database.drop();
    const cluster = new Client(Object.assign(new URL(database.url), { pathname: '/postgres' }).href);
    await cluster.connect();
    await cluster.query(`drop role ${role}`);
    await cluster.end();
  });
  await admin.query(prepare);
  await admin.query(`create role ${role} login password 'limited'`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'limited' }).href;
  const migrated = migrateSchema(url, createLogger({ level: 'silent' }));
  await expect(migrated).rejects.toThrow(reason);
  await expect(migrated).rejects.toThrow('may not change the schema: run "evenkeel migrate" with its owner');
});
