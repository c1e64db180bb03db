import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { countLocked } from '../harness/count-locked.ts';
import { pgBouncerKeepsPrepared, pgBouncerVersion, startPgBouncer } from '../harness/pgbouncer.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const transaction = { pool_mode: 'transaction', default_pool_size: '5', max_client_conn: '200' };

let database: TestDatabase;
let dataDir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-pgbouncer-data-'));
});

afterAll(async () => {
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function startBouncer(settings: Record<string, string>): Promise<string> {
  const bouncer = await startPgBouncer(database.url, settings);
  onTestFinished(() => bouncer.stop());
  return bouncer.url;
}

async function startServer(variables: Record<string, string>): Promise<ServerProcess> {
  const server = await startServerProcess({ DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...variables });
  onTestFinished(async () => {
    await server.end('SIGTERM');
  });
  return server;
}

/** Works with a server: sessions, messages, keys, a revocation that another server makes, a client that leaves. */
async function workWith(server: ServerProcess): Promise<void> {
  const key = await server.readKey();
  const call = (at: ServerProcess, path: string, { by = key, ...init }: RequestInit & { by?: string } = {}) =>
    fetch(at.url + path, { ...init, headers: { authorization: `Bearer ${by}`, 'content-type': 'application/json' } });
  const post = async (path: string, body: object) => {
    const response = await call(server, path, { method: 'POST', body: JSON.stringify(body) });
    expect(response.status, path).toBeLessThan(300);
    return (await response.json()) as { id: string; key: string; seq: number };
  };
  const sessions = await Promise.all(Array.from({ length: 50 }, () => post('/v1/chat/sessions', { title: 'x' })));
  const messages = (id: string) => `/v1/chat/sessions/${id}/messages`;
  const answers = await Promise.all(sessions.map(({ id }) => post(messages(id), { content: 'Hello' })));
  expect(new Set(answers.map(({ seq }) => seq))).toEqual(new Set([2]));

  const other = await startServer({ DATABASE_URL: database.url });
  await untilReady(server);
  const revoked = await post('/v1/keys', { name: 'to be revoked' });
  const statusOf = async () => (await call(server, '/v1/me', { by: revoked.key })).status;
  expect(await statusOf()).toBe(200);
  await call(other, `/v1/keys/${revoked.id}`, { method: 'DELETE' });
  const revokedAtMs = performance.now();
  await until(async () => (await statusOf()) === 401);
  expect(performance.now() - revokedAtMs).toBeLessThan(1_000);

  const admin = await database.connect();
  const path = `/v1/chat/sessions/${sessions[0]?.id}`;
  await admin.query('begin');
  await admin.query('select from chat_sessions where id = $1 for update', [sessions[0]?.id]);
  const client = new AbortController();
  const init = { method: 'PATCH', body: '{"title":"left"}', signal: client.signal };
  const left = call(server, path, init).catch(() => 'left');
  await until(async () => (await countLocked(admin)) === 1);
  client.abort();
  expect(await left).toBe('left');
  await until(async () => (await countLocked(admin)) === 0);
  await admin.query('rollback');
  expect(await (await call(server, path)).json()).toMatchObject({ title: 'x' });
}

describe.skipIf(pgBouncerVersion() === undefined)('behind PgBouncer', () => {
  it.skipIf(!pgBouncerKeepsPrepared())('in transaction mode everything works', async () => {
    const url = await startBouncer({ ...transaction, max_prepared_statements: '200' });
    await workWith(await startServer({ DATABASE_URL: url, DATABASE_DIRECT_URL: database.url }));
  });

  it('in session mode everything works, also without DATABASE_DIRECT_URL', async () => {
    const url = await startBouncer({ pool_mode: 'session', default_pool_size: '60', max_client_conn: '200' });
    await workWith(await startServer({ DATABASE_URL: url }));
  });

  it('that forgets prepared statements the start is refused, naming the setting', async () => {
    const forgets = pgBouncerKeepsPrepared() ? { max_prepared_statements: '0' } : {};
    const url = await startBouncer({ ...transaction, ...forgets });
    for (let round = 0; round < 3; round++) {
      const start = startServer({ DATABASE_URL: url, DATABASE_DIRECT_URL: database.url });
      await expect(start).rejects.toThrow(/max_prepared_statements/);
    }
  });

  it('in transaction mode without a direct way to the database the start is refused, naming the setting', async () => {
    const url = await startBouncer(transaction);
    await expect(startServer({ DATABASE_URL: url })).rejects.toThrow(/Set DATABASE_DIRECT_URL/);
    const both = startServer({ DATABASE_URL: database.url, DATABASE_DIRECT_URL: url });
    await expect(both).rejects.toThrow(/DATABASE_DIRECT_URL leads through a transaction pooler/);
  });
});
