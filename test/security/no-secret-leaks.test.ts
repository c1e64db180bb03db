import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSecret } from '../../src/core/keys/secret.ts';
import { startTestMailServer, type TestMailServer } from '../harness/mail-server.ts';
import { createTestDatabase, type TestDatabase } from '../harness/postgres.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { type ServerProcess, startServerProcess } from '../process/server-process.ts';
import { type StubMode, type StubProvider, startStubProvider } from '../stubs/provider.ts';

/** Stands for what users write and are called. */
const CONTENT = 'canary-of-what-a-user-wrote';
const MAIL = 'canary.user@mail.example.com';
const PROVIDER_KEY = 'canary-provider-key-0123456789';
const METRICS_TOKEN = 'canary-metrics-token-0123456789';

let database: TestDatabase;
let provider: StubProvider;
let mails: TestMailServer;
let server: ServerProcess;
let dataDir: string;
/** Every secret that the server was told, or has given out. */
const secrets: string[] = [PROVIDER_KEY, METRICS_TOKEN];
/** What came of signing up. */
let signedUp: { api_key: string; access_token: string; refresh_token: string };
/** The metrics as they were after everything had gone wrong. */
let metrics: string;

type Line = [method: string, path: string, body?: unknown, headers?: Record<string, string>];

async function send(...[method, path, body, headers = {}]: Line): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${signedUp?.api_key}`, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

beforeAll(async () => {
  const app = await createPrivyApp();
  database = await createTestDatabase();
  provider = await startStubProvider();
  mails = await startTestMailServer();
  // The reason holds the address, as that of real mail servers does.
  mails.refusal = { responseCode: 550, text: `<${MAIL}> unknown` };
  dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-secrets-'));
  server = await startServerProcess({
    ...app.variables,
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    MODEL_BASE_URL: provider.url,
    MODEL_NAME: 'stub',
    MODEL_API_KEY: PROVIDER_KEY,
    SMTP_URL: mails.url,
    METRICS_TOKEN,
    LOG_LEVEL: 'trace',
  });
  const token = await app.token('canary', { email: MAIL, email_verified: true, name: CONTENT });
  const answer = await send('POST', '/api/auth', { token }, { authorization: '' });
  expect(answer.status, answer.text).toBe(201);
  signedUp = JSON.parse(answer.text);
  secrets.push(token, signedUp.api_key, signedUp.access_token, signedUp.refresh_token);
  for (const secret of Object.values(app.variables).slice(-1)) secrets.push(secret);
  for (const url of [database.url, mails.url]) secrets.push(url, new URL(url).password);
  await makeSecrets();
});

/** More of them: of keys that are made and replaced, under an Idempotency-Key too, and of refreshes. */
async function makeSecrets(): Promise<void> {
  const once = { 'idempotency-key': 'once' };
  const made = JSON.parse((await send('POST', '/v1/keys', { name: CONTENT }, once)).text);
  const next = JSON.parse((await send('POST', `/v1/keys/${made.id}/rotate`, {}, { 'idempotency-key': 'twice' })).text);
  const refreshed = await send('POST', '/api/auth/refresh', { refresh_token: signedUp.refresh_token });
  const { access_token, refresh_token } = JSON.parse(refreshed.text);
  secrets.push(made.key, next.key, access_token, refresh_token);
}

afterAll(async () => {
  await server?.end('SIGTERM');
  await Promise.all([provider?.close(), mails?.close()]);
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Requests that end in errors of all kinds, each with content or a secret in it. */
async function goWrong(): Promise<number[]> {
  const unknownKey = newSecret();
  secrets.push(unknownKey);
  const answers = [
    await send('GET', '/v1/me', undefined, { authorization: `Bearer ${unknownKey}` }),
    await send('GET', '/v1/me', undefined, { authorization: `Bearer ${signedUp.access_token}x` }),
    await send('GET', `/v1/me?api_key=${signedUp.api_key}`),
    await send('GET', `/${CONTENT}?${CONTENT}=${CONTENT}`),
    await send('POST', '/api/auth', { token: `${signedUp.refresh_token}` }),
    await send('POST', '/api/auth/refresh', { refresh_token: `${signedUp.refresh_token}x` }),
    await send('PATCH', '/v1/me', { username: CONTENT, email: MAIL }),
    await send('PATCH', '/v1/me', { email: `${MAIL} ${MAIL}` }),
    await send('POST', '/v1/chat/sessions', `{"title":"${CONTENT}"`),
    await send('POST', '/v1/chat/sessions', { [CONTENT]: CONTENT }),
    await send('POST', '/v1/chat/sessions', { title: CONTENT.repeat(100) }),
    await send('POST', '/api/todo/items', { title: CONTENT, due_on: CONTENT }),
    await send('POST', '/api/mood/log', { mood_text: CONTENT }),
  ];
  return answers.map(({ status }) => status);
}

/** Turns and completions of a provider that fails in each way and repeats what it was sent. */
async function failAtModels(): Promise<void> {
  const session = JSON.parse((await send('POST', '/v1/chat/sessions', { title: CONTENT, assistant: 'todo' })).text);
  const failures: StubMode[] = [
    '400-flat-error',
    'http-500',
    '401',
    'malformed-json',
    '400-openai-error',
    '400-too-long',
    'reset-mid-stream',
  ];
  for (const mode of failures) {
    // What holds our key is told to nobody; the rest to whoever asked.
    const errorMessage = mode === '400-flat-error' ? CONTENT : `${CONTENT} ${PROVIDER_KEY}`;
    provider.setMode(mode, { errorMessage, text: `${CONTENT} ${MAIL}` });
    const messages = [{ role: 'user', content: CONTENT }];
    for (const stream of [false, true]) {
      await send('POST', '/v1/chat/completions', { model: 'stub', messages, stream });
      await send('POST', `/v1/chat/sessions/${session.id}/messages`, { content: `${CONTENT} ${mode}`, stream });
    }
  }
}

/** Statements that the database ends or refuses while users' content is in them. */
async function failAtTheDatabase(): Promise<void> {
  const client = await database.connect();
  await client.query('alter table chat_sessions add constraint refuse_all check (title is null) not valid');
  expect((await send('POST', '/v1/chat/sessions', { title: CONTENT })).status).toBe(500);
  await client.query('alter table chat_sessions drop constraint refuse_all');
  await client.query('begin; lock table chat_sessions');
  const waiting = send('POST', '/v1/chat/sessions', { title: CONTENT });
  await expect
    .poll(async () => {
      const { rows } = await client.query(
        `select pg_terminate_backend(pid) as ended from pg_stat_activity
          where application_name = 'evenkeel' and wait_event_type = 'Lock'`,
      );
      return rows.length;
    })
    .toBeGreaterThan(0);
  await client.query('rollback');
  await waiting;
}

test('no secret and nothing that a user wrote is printed or in a metric, whatever goes wrong', async () => {
  const statuses = await goWrong();
  expect(statuses.filter((status) => status >= 400).length).toBeGreaterThan(9);
  await failAtModels();
  await failAtTheDatabase();
  metrics = (await send('GET', '/metrics', undefined, { authorization: `Bearer ${METRICS_TOKEN}` })).text;
  await server.end('SIGTERM');
  const output = server.output().split('\n');
  const log = output.filter((line) => line.startsWith('{'));
  expect(log.length).toBeGreaterThan(30);
  // The log is there, and tells of what went wrong.
  expect(log.some((line) => line.includes('models.'))).toBe(true);
  expect(log.some((line) => line.includes('notifications.send_mail'))).toBe(true);
  expect(metrics).toContain('evenkeel_http_request');
  // What is no line of the log tells nothing either.
  const told = [...output, ...metrics.split('\n')];
  for (const secret of [...secrets, CONTENT, MAIL]) expect(told.filter((line) => line.includes(secret))).toEqual([]);
});

test('no key and no token is in the database', async () => {
  const client = await database.connect();
  const { rows: tables } = await client.query<{ schema: string; name: string }>(
    `select schemaname as schema, tablename as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  let dump = '';
  for (const { schema, name } of tables) {
    const { rows } = await client.query(
      `select t::text as row from ${escapeIdentifier(schema)}.${escapeIdentifier(name)} t`,
    );
    for (const { row } of rows) dump += `${row}\n`;
  }
  // What is meant to be there is.
  expect(dump).toContain(CONTENT);
  // Of a token the signature will do.
  const parts = secrets.map((secret) => secret.split('.').at(-1) as string);
  for (const part of parts) expect(dump.includes(part), part.slice(0, 9)).toBe(false);
});
