import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

let database: TestDatabase;
let client: Client;
let app: PrivyApp;
let dataDir: string;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  app = await createPrivyApp();
  database = await createTestDatabase();
  client = await database.connect();
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-killed-'));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.end('SIGTERM')));
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(flags: string[] = []): Promise<ServerProcess> {
  const variables = { ...app.variables, DATA_DIR: dataDir, DATABASE_URL: database.url };
  const server = await startServerProcess(variables, undefined, flags);
  servers.push(server);
  return server;
}

async function signUp(server: ServerProcess, subject: string, referralCode?: string): Promise<string> {
  const body = JSON.stringify({ token: await app.token(subject), referral_code: referralCode });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}/api/auth`, { method: 'POST', headers, body });
  expect(response.status).toBe(201);
  return ((await response.json()) as { user: { id: string } }).user.id;
}

/** Each reward and each notification of a user, by what it says. */
async function giftsOf(userId: string): Promise<string[]> {
  const { rows } = await client.query<{ gift: string }>(
    `select tokens || ' tokens' as gift from rewards where user_id = $1
      union all select kind from notifications where user_id = $1 order by 1`,
    [userId],
  );
  return rows.map(({ gift }) => gift);
}

async function countJobs(): Promise<number> {
  const { rows } = await client.query('select count(*)::integer as jobs from graphile_worker._private_jobs');
  return rows[0].jobs;
}

test('a server that is killed between the answer to a sign-up and its rewards has them given, once, after a restart', async () => {
  const killed = await start(['--no-jobs']);
  const referrer = await signUp(killed, 'referrer');
  const { rows } = await client.query('select referral_code from users where user_id = $1', [referrer]);
  const newcomer = await signUp(killed, 'newcomer', rows[0].referral_code);
  await killed.end('SIGKILL');
  expect([await giftsOf(referrer), await giftsOf(newcomer)]).toEqual([[], []]);

  await start();
  // Whatever is to come has come.
  await expect.poll(countJobs, { timeout: 30_000, interval: 100 }).toBe(0);
  expect(await giftsOf(referrer)).toEqual(['50000 tokens', 'referral_joined', 'welcome']);
  expect(await giftsOf(newcomer)).toEqual(['50000 tokens', 'referral_rewarded', 'welcome']);
});
