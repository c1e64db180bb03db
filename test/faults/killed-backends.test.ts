import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { type FaultServer, msUntil, startFaultServer } from './fault-server.ts';
import {
  createClient,
  findLostAndDoubled,
  findNotOnce,
  type Load,
  numberedWrites,
  replayUnanswered,
  startLoad,
} from './load.ts';

const WORKERS = 20;
/** Each test makes more than so many, however long that takes a busy machine. */
const WRITES = 1_000;

const failures = ({ answers }: Load) => answers.filter(({ status }) => status !== 201);

/** Ends connections of the server, at most so many. */
async function endConnections({ admin }: FaultServer, count: number): Promise<number> {
  const { rowCount } = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'evenkeel'
      order by state = 'active' desc limit $1`,
    [count],
  );
  return rowCount ?? 0;
}

test.each([
  ['one connection', 1],
  ['every connection', 1_000],
])(
  'ending %s under load fails at most the requests in flight, and repeated each write is there once',
  async (_name, count) => {
    const hurt = await startFaultServer();
    const send = createClient(hurt);
    const load = startLoad(send, WORKERS, numberedWrites());
    await sleep(1_000);
    for (let round = 1; round <= 5; round++) {
      const before = failures(load).length;
      expect(await endConnections(hurt, count)).toBeGreaterThan(0);
      const endedAtMs = performance.now();
      const isWritten = () => load.answers.some(({ status, sentAtMs }) => status === 201 && sentAtMs > endedAtMs);
      expect(await msUntil(isWritten)).toBeLessThan(4_000);
      await sleep(500);
      expect(failures(load).length - before).toBeLessThanOrEqual(WORKERS);
    }
    await until(() => load.answers.length > WRITES);
    await load.stop();
    expect(failures(load).filter(({ status, code }) => status !== 503 || code !== 'postgres.unavailable')).toEqual([]);
    expect(await findLostAndDoubled(send, load.answers)).toEqual({ lost: [], doubled: [] });
    await replayUnanswered(send, load.answers);
    expect(await findNotOnce(send, load.answers)).toEqual([]);
    expect(hurt.server.child.exitCode).toBe(null);
  },
);
