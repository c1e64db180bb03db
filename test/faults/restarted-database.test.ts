import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createLogger } from '../../src/platform/log/index.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { findFreePort } from '../harness/find-free-port.ts';
import { until } from '../harness/until.ts';
import { startServerProcess } from '../process/server-process.ts';
import { msUntil } from './fault-server.ts';
import { createClient, findLostAndDoubled, findNotOnce, numberedWrites, replayUnanswered, startLoad } from './load.ts';

const WORKERS = 20;
/** Each test makes more than so many, however long that takes a busy machine. */
const WRITES = 1_000;

/** A Postgres on a port that stays the same, and how it can be ended. */
async function startPostgres() {
  const dataDir = await mkdtemp(join(tmpdir(), 'evenkeel-restart-'));
  const port = await findFreePort();
  const log = createLogger({ level: 'silent' });
  const start = () => startEmbeddedPostgres({ dataDir, log, postgresFlags: [`port=${port}`] });
  let postgres: EmbeddedPostgres = await start();
  onTestFinished(async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const { url } = postgres;
  return {
    dataDir,
    url,
    /** Starts it again, when it has ended. */
    async restart(): Promise<void> {
      await postgres.stop();
      postgres = await start();
    },
    /** Ends it by a signal to its first process: SIGINT is a fast shutdown, SIGQUIT an immediate one. */
    async signal(name: NodeJS.Signals): Promise<void> {
      process.kill(Number.parseInt(await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8'), 10), name);
    },
    /** Keeps writes from ending until the database does: most take less time than a signal, and none would be hit. */
    async holdWrites(): Promise<void> {
      const holder = new Client(url);
      holder.on('error', () => undefined);
      await holder.connect();
      await holder.query('begin; lock table chat_sessions in exclusive mode');
      await until(async () => (await countLocked(holder)) > 0);
    },
    /** Kills a process that serves a connection, for which Postgres ends all others too and recovers. */
    async killBackend(): Promise<void> {
      const admin = new Client(url);
      admin.on('error', () => undefined);
      await admin.connect();
      const { rows } = await admin.query(
        `select pid from pg_stat_activity where application_name = 'evenkeel' order by state = 'active' desc limit 1`,
      );
      process.kill(rows[0].pid, 'SIGKILL');
      await admin.end().catch(() => undefined);
    },
  };
}

test('a database that restarts under load, fast, at once or after a crash: nothing is lost or doubled, and it is used again soon', async () => {
  const postgres = await startPostgres();
  const server = await startServerProcess({
    ...{ DATA_DIR: postgres.dataDir, DATABASE_URL: postgres.url },
    ...{ LOG_LEVEL: 'warn', DRAIN_TIMEOUT_MS: '2000' },
  });
  onTestFinished(async () => {
    await server.end('SIGKILL');
  });
  const send = createClient({ server, key: await server.readKey() });
  const load = startLoad(send, WORKERS, numberedWrites());
  await sleep(500);
  const faults = [
    () => postgres.signal('SIGINT').then(() => postgres.restart()),
    () => postgres.signal('SIGQUIT').then(() => postgres.restart()),
    () => postgres.killBackend(),
  ];
  const backMs: number[] = [];
  for (const fault of faults) {
    await postgres.holdWrites();
    await fault();
    const healedAtMs = performance.now();
    backMs.push(
      await msUntil(() => load.answers.some(({ status, sentAtMs }) => status === 201 && sentAtMs > healedAtMs)),
    );
    await sleep(500);
  }
  await until(() => load.answers.length > WRITES);
  await load.stop();
  const failed = load.answers.filter(({ status }) => status !== 201);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.filter(({ status, code }) => status !== 503 || !code?.startsWith('postgres.'))).toEqual([]);
  // The bound is two seconds; the rest is for a busy machine.
  expect(Math.max(...backMs)).toBeLessThan(4_000);
  expect(await findLostAndDoubled(send, load.answers)).toEqual({ lost: [], doubled: [] });
  await replayUnanswered(send, load.answers);
  expect(await findNotOnce(send, load.answers)).toEqual([]);
  expect(server.child.exitCode).toBe(null);
  expect(await server.end('SIGTERM')).toBe(0);
});
