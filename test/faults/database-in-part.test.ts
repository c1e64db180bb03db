import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type FaultServer, msUntil, startFaultServer } from './fault-server.ts';
import {
  type Answer,
  createClient,
  findLostAndDoubled,
  findNotOnce,
  type Load,
  numberedWrites,
  replayUnanswered,
  startLoad,
} from './load.ts';

const WORKERS = 20;
/** The bound is two seconds; the rest is for a busy machine. */
const HEALED_BOUND_MS = 4_000;

const failuresOf = ({ answers }: Load): Answer[] => answers.filter(({ status }) => status !== 201);
const took = ({ sentAtMs, answeredAtMs }: Answer): number => answeredAtMs - sentAtMs;

/** Stops the process that serves the connection that the server used last, and will use next; lets it go at the end. */
async function freezeConnection({ admin }: FaultServer): Promise<void> {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity where application_name = 'evenkeel' and state = 'idle' order by state_change desc limit 1`,
  );
  const pid = rows[0]?.pid ?? 0;
  expect(pid).toBeGreaterThan(0);
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => void process.kill(pid, 'SIGCONT'));
}

const endAll = ({ admin }: FaultServer) =>
  admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'evenkeel'`);

test('a connection that hangs costs those who are on it, once; a database that is read-only for a while costs writes; none is lost or doubled', async () => {
  const hurt = await startFaultServer({ DATABASE_POOL_SIZE: '4', DATABASE_POOL_OVERFLOW: '0' });
  const send = createClient(hurt);
  expect((await send({ path: '/v1/chat/sessions?limit=1' })).status).toBe(200);

  // While it is idle, or all of Postgres may wait for what it holds.
  await freezeConnection(hurt);
  const load = startLoad(send, WORKERS, numberedWrites());
  await msUntil(() => failuresOf(load).length > 0);
  await sleep(3_000);
  const hung = failuresOf(load);
  const others = load.answers.filter(({ status }) => status === 201);
  expect(hung.length).toBeLessThanOrEqual(WORKERS);
  expect(others.length).toBeGreaterThan(500);
  expect(Math.max(...others.map(took))).toBeLessThan(2_000);

  // As after a failover whose name still leads to the old primary: those who connect anew come to a replica.
  await hurt.admin.query('alter database postgres set default_transaction_read_only = on');
  await endAll(hurt);
  const before = load.answers.length;
  await sleep(2_000);
  const readOnly = load.answers.slice(before + WORKERS);
  expect(readOnly.map(({ code }) => code)).toContain('postgres.unavailable');
  expect(readOnly.filter(({ status }) => status !== 503)).toEqual([]);
  expect((await send({ path: '/v1/chat/sessions?limit=1' })).status).toBe(200);
  await hurt.admin.query('begin read write; alter database postgres reset default_transaction_read_only; commit');
  const healedAtMs = performance.now();
  const isWritten = () => load.answers.some(({ status, sentAtMs }) => status === 201 && sentAtMs > healedAtMs);
  expect(await msUntil(isWritten)).toBeLessThan(HEALED_BOUND_MS);
  await sleep(1_000);
  await load.stop();
  expect(load.answers.filter(({ status, sentAtMs }) => status !== 201 && sentAtMs > healedAtMs + 500)).toEqual([]);

  const failures = failuresOf(load);
  expect(failures.filter(({ status, code }) => status !== 503 || !code?.startsWith('postgres.'))).toEqual([]);
  expect(failures.filter((answer) => !(answer.retryAfterSeconds >= 1 && answer.retryAfterSeconds <= 5))).toEqual([]);
  expect(await findLostAndDoubled(send, load.answers)).toEqual({ lost: [], doubled: [] });
  await replayUnanswered(send, load.answers);
  expect(await findNotOnce(send, load.answers)).toEqual([]);
  expect(hurt.server.child.exitCode).toBe(null);
});
