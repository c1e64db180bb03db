import { expect, onTestFinished, test } from 'vitest';
import { startDistanceProxy } from '../../bench/distance.ts';
import { createClient } from '../faults/load.ts';
import { makeTestDirectory } from '../harness/make-test-directory.ts';
import { createTestDatabase } from '../harness/postgres.ts';
import { startServerProcess } from './server-process.ts';

/** A round trip of 200 ms: to open a connection takes longer than a request waits for one. */
const DISTANCE_MS = 100;

test('a server whose database is 200 ms away starts, and answers its first requests', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const near = new URL(database.url);
  const target = { host: near.hostname, port: Number(near.port) };
  const proxy = await startDistanceProxy({ target, delayMs: DISTANCE_MS });
  onTestFinished(() => proxy.close());
  const dataDir = await makeTestDirectory();
  const far = new URL(near);
  far.port = String(proxy.port);
  const server = await startServerProcess({ DATA_DIR: dataDir, DATABASE_URL: far.href, DRAIN_TIMEOUT_MS: '2000' });
  onTestFinished(async () => {
    await server.end('SIGTERM');
  });
  const send = createClient({ server, key: await server.readKey() });
  const asks = Array.from({ length: 20 }, () => send({ method: 'POST', path: '/v1/chat/sessions', body: {} }));
  expect(new Set((await Promise.all(asks)).map(({ status }) => status))).toEqual(new Set([201]));
});
