import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Ask, createClient, type Load, type Send, startLoad } from '../faults/load.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from './server-process.ts';

const repository = join(import.meta.dirname, '../..');

/** What a later version may well change: a column more in tables that every request uses, and an index. */
const migrations = {
  '29990101000001_next.sql': ['users', 'api_keys', 'chat_sessions', 'chat_messages', 'chat_turns', 'idempotency_keys']
    .map((table) => `alter table ${table} add column next_version text not null default 'next';`)
    .join('\n'),
  '29990101000002_next_index.sql':
    '-- no transaction\ncreate index concurrently next_index on chat_messages (user_id, next_version);\n',
};

/** A copy of the sources that is one version ahead. */
async function copyNextVersion(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'evenkeel-next-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await cp(join(repository, 'src'), join(root, 'src'), { recursive: true });
  await cp(join(repository, 'package.json'), join(root, 'package.json'));
  await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
  for (const [name, text] of Object.entries(migrations)) {
    await writeFile(join(root, 'src/core/chat/migrations', name), text);
  }
  return root;
}

/** Requests of many kinds, each of which reads or writes what is being changed. */
function mix(sessionId: unknown): () => Ask {
  const session = `/v1/chat/sessions/${sessionId}`;
  const kinds: ((index: number) => Ask)[] = [
    (index) => ({ method: 'POST', path: '/v1/chat/sessions', body: {}, idempotencyKey: `mix-${index}` }),
    () => ({ path: '/v1/chat/sessions' }),
    () => ({ method: 'PATCH', path: session, body: { title: 'changed' } }),
    () => ({ method: 'POST', path: `${session}/messages`, body: { content: 'Hello' } }),
    () => ({ path: `${session}/messages` }),
    () => ({ path: '/v1/keys' }),
    () => ({ path: '/v1/me' }),
  ];
  let asked = 0;
  return () => kinds[++asked % kinds.length]?.(asked) ?? { path: '/v1/me' };
}

const failuresOf = ({ answers }: Load) => answers.filter(({ status }) => status !== 200 && status !== 201);

async function startMix(send: Send): Promise<Load> {
  const { body } = await send({ method: 'POST', path: '/v1/chat/sessions', body: {} });
  return startLoad(send, 10, mix(body.id));
}

test('a server goes on while the next version migrates its database and serves beside it, and starts anew after that', async () => {
  const [database, root] = await Promise.all([createTestDatabase(), copyNextVersion()]);
  onTestFinished(() => database.drop());
  const variables = { DATA_DIR: root, DATABASE_URL: database.url, LOG_LEVEL: 'warn', DRAIN_TIMEOUT_MS: '2000' };
  const start = async (from: string) => {
    const server = await startServerProcess(variables, from);
    onTestFinished(async () => {
      await server.end('SIGTERM');
    });
    return server;
  };
  const old = await start(repository);
  const key = await old.readKey();
  const load = await startMix(createClient({ server: old, key }));
  await sleep(500);
  const next = await start(root);
  const nextLoad = await startMix(createClient({ server: next, key }));
  await sleep(1_500);
  await Promise.all([load.stop(), nextLoad.stop()]);
  expect(next.output()).not.toContain('does not know');
  expect([failuresOf(load), failuresOf(nextLoad)]).toEqual([[], []]);
  expect(load.answers.length).toBeGreaterThan(200);

  const again = await start(repository);
  expect(again.output()).toContain('does not know');
  const { status } = await createClient({ server: again, key })({
    method: 'POST',
    path: '/v1/chat/sessions',
    body: {},
  });
  expect(status).toBe(201);
});
