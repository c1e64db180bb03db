import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { addNote, backend, nap, PoolFixture } from '../../../test/harness/pool-fixture.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { Cancelled, Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import { systemClock } from '../../base/time.ts';
import { createLogger } from '../log/index.ts';
import { isOutcomeUnknown, type Postgres, type PostgresOptions } from '../postgres/index.ts';
import { type BreakerState, type GuardedDatabase, guardDatabase } from './guard-database.ts';

const pool = new PoolFixture();
let proxy: FaultProxy;

beforeAll(async () => {
  proxy = await startFaultProxy(pool.database.url);
});
afterEach(() => proxy.setMode('pass'));
afterAll(() => proxy.close());

interface Guarded {
  readonly postgres: Postgres;
  readonly guarded: GuardedDatabase;
  readonly states: BreakerState[];
  readonly lines: string[];
}

/**
 * A guard over a pool whose connections lead through the proxy. They are waited for longer than a busy machine takes to open one
 * or to end a cancelled statement.
 */
function open(statementBudgetMs: number, options: Partial<PostgresOptions> = {}): Guarded {
  const postgres = pool.open({ url: proxy.url, poolSize: 4, poolOverflow: 0, poolWaitMs: 2_000, ...options });
  const states: BreakerState[] = [];
  const lines: string[] = [];
  const log = createLogger({ level: 'info', destination: { write: (line) => lines.push(line) } });
  const observe = (state: BreakerState) => states.push(state);
  const guarded = guardDatabase(postgres, { clock: systemClock, log, statementBudgetMs, observe });
  onTestFinished(() => guarded.close());
  return { postgres, guarded, states, lines };
}

/** Asks until the breaker is open. */
async function untilOpen(guarded: GuardedDatabase): Promise<void> {
  await until(async () => {
    await guarded.query(backend(), testContext(10_000)).catch(() => undefined);
    return guarded.state() !== 'closed';
  });
}

const unavailable = { code: 'postgres.unavailable', status: 503, retryAfterMs: 1_000 };

describe('the time of a statement', () => {
  test('is the budget, and ends as 503 timeout with the statement gone from the server', async () => {
    const { guarded } = open(150);
    const napping = guarded.query(nap(30), testContext(20_000));
    await expect(napping).rejects.toMatchObject({ code: 'postgres.timeout', status: 503, retryAfterMs: 1_000 });
    await until(async () => (await pool.countRunning('test.nap')) === 0);
  });

  test('includes the wait for a connection', async () => {
    const { guarded, postgres } = open(150, { poolSize: 1, poolWaitMs: 20_000 });
    const held = testContext(20_000);
    const holding = postgres.query(nap(30), held).catch((error) => error);
    await until(async () => (await pool.countRunning('test.nap')) === 1);
    await expect(guarded.query(backend(), testContext(20_000))).rejects.toMatchObject({ code: 'postgres.timeout' });
    held.deadline.cancel();
    await holding;
  });

  test('is never longer than the caller has, who is told of its own deadline', async () => {
    const { guarded } = open(20_000);
    await expect(guarded.query(nap(30), testContext(100))).rejects.toBeInstanceOf(DeadlineExceeded);
    const context = testContext(20_000);
    const napping = guarded.query(nap(30), context);
    await until(async () => (await pool.countRunning('test.nap')) === 1);
    context.deadline.cancel();
    await expect(napping).rejects.toBeInstanceOf(Cancelled);
  });

  test('is not what ended when it is all that the caller has, whichever timer is the first of the two', async () => {
    const { guarded } = open(20_000);
    let elapsedMs = 0;
    const clock = { now: () => new Date(), monotonicMs: () => elapsedMs++ };
    const deadline = Deadline.after(100, clock);
    const napping = guarded.query(nap(30), { ...testContext(), deadline });
    await expect(napping).rejects.toBeInstanceOf(DeadlineExceeded);
    expect(deadline.reason).toBeInstanceOf(DeadlineExceeded);
  });
});

describe('a database that does not answer', () => {
  test('is refused at once, until it answers again, which is found out without a caller', async () => {
    const { guarded, states, lines } = open(200);
    await guarded.query(backend(), testContext(5_000));
    proxy.setMode('black-hole');
    await untilOpen(guarded);
    const startedAtMs = performance.now();
    for (let call = 0; call < 100; call++) {
      await expect(guarded.query(backend(), testContext(5_000))).rejects.toMatchObject(unavailable);
    }
    // A hundred that were not refused at once would take twenty seconds.
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    proxy.setMode('pass');
    await until(() => guarded.state() === 'closed');
    expect(await guarded.query(backend(), testContext(5_000))).toHaveLength(1);
    expect(states.at(0)).toBe('open');
    expect(states.slice(-2)).toEqual(['half-open', 'closed']);
    const said = lines.map((line) => JSON.parse(line).msg);
    expect(said).toEqual([
      'the database does not answer: statements are refused until it does',
      'the database answers again',
    ]);
  });

  test('is not what the connections are that the network forgot: none is tried any more once the breaker is open', async () => {
    const { guarded, postgres } = open(200, { poolSize: 20 });
    await Promise.all(Array.from({ length: 20 }, () => postgres.query(nap(0.1), testContext(5_000))));
    proxy.forget();
    await untilOpen(guarded);
    const openedAtMs = performance.now();
    await until(() => guarded.state() === 'closed');
    expect(performance.now() - openedAtMs).toBeLessThan(3_000);
    expect(await guarded.query(backend(), testContext(5_000))).toHaveLength(1);
  });

  test('opens the breaker also when it refuses connections', async () => {
    const { guarded } = open(1_000);
    await guarded.query(backend(), testContext(5_000));
    proxy.setMode('reset');
    await untilOpen(guarded);
    await expect(guarded.query(backend(), testContext(5_000))).rejects.toMatchObject(unavailable);
    proxy.setMode('pass');
    await until(() => guarded.state() === 'closed');
  });

  test('costs callers with a short deadline of their own no more than that, and opens the breaker', async () => {
    const { guarded } = open(20_000);
    await guarded.query(backend(), testContext(5_000));
    proxy.setMode('black-hole');
    await until(async () => {
      await guarded.query(backend(), testContext(50)).catch(() => undefined);
      return guarded.state() !== 'closed';
    });
  });

  test('is not taken to be there for a statement that could not even be sent', async () => {
    const { guarded, postgres } = open(20_000);
    const ping = vi.spyOn(postgres, 'ping');
    proxy.setMode('black-hole');
    const fail = () => guarded.query(backend(), testContext(20)).catch(() => undefined);
    for (let call = 0; call < 4; call++) await fail();
    const unsendable = { ...backend(), values: [{ amount: 1n }] };
    await expect(guarded.query(unsendable, testContext(5_000))).rejects.toThrow('cannot be sent');
    expect(ping).not.toHaveBeenCalled();
    await fail();
    expect(ping).toHaveBeenCalledOnce();
  });

  test('is told to those whose statements are under way when the breaker opens', async () => {
    const { guarded, postgres } = open(20_000, { poolSize: 8 });
    await postgres.query(backend(), testContext(5_000));
    proxy.setMode('black-hole');
    const waiting = guarded.query(backend(), testContext(20_000));
    // Which is not what becomes of their own.
    vi.spyOn(postgres, 'ping').mockRejectedValue(new DatabaseError('the sign of life was refused', 0, 'error'));
    for (let call = 0; call < 5; call++) await guarded.query(backend(), testContext(50)).catch(() => undefined);
    const error = await waiting.catch((thrown) => thrown);
    expect(error).toMatchObject(unavailable);
    expect(isOutcomeUnknown(error)).toBe(true);
  });

  test('is tried again by time that passes, whatever the wall clock says', async () => {
    const { guarded } = open(200);
    proxy.setMode('black-hole');
    await untilOpen(guarded);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    proxy.setMode('pass');
    await until(() => guarded.state() === 'closed');
  });

  test('is not tried any more after close', async () => {
    const { guarded, postgres, states } = open(200);
    proxy.setMode('black-hole');
    await untilOpen(guarded);
    guarded.close();
    await until(() => guarded.state() === 'open');
    const seen = states.length;
    proxy.setMode('pass');
    // Longer than the pause between two attempts.
    await until(async () => (await postgres.query(nap(0.5), testContext(5_000)).catch(() => [])).length === 1);
    expect(states.length).toBe(seen);
  });
});

describe('a database that answers keeps the breaker closed', () => {
  test('however often one statement is too slow', async () => {
    const { guarded, states } = open(50);
    // Two seconds' worth: the sign of life is asked for meanwhile, several times.
    for (let call = 0; call < 40; call++) {
      await expect(guarded.query(nap(30), testContext(5_000))).rejects.toMatchObject({ code: 'postgres.timeout' });
    }
    expect(states).toEqual([]);
  });

  test('when the sign of life was lost, and a statement has been answered since it was asked for', async () => {
    const { guarded, postgres, states } = open(200, { poolSize: 10 });
    await Promise.all(Array.from({ length: 10 }, () => postgres.query(nap(0.1), testContext(5_000))));
    const ping = vi.spyOn(postgres, 'ping');
    proxy.setMode('black-hole');
    await until(async () => {
      await guarded.query(backend(), testContext(5_000)).catch(() => undefined);
      return ping.mock.calls.length > 0;
    });
    // The sign of life has a second, and its question is lost by now.
    await sleep(100);
    proxy.setMode('pass');
    await until(async () => (await guarded.query(backend(), testContext(5_000)).catch(() => [])).length === 1);
    await until(() => ping.mock.settledResults[0]?.type === 'rejected');
    expect(await guarded.query(backend(), testContext(5_000))).toHaveLength(1);
    expect(states).toEqual([]);
  });

  test('when every connection is ended at once', async () => {
    const { guarded, states } = open(5_000, { poolSize: 10 });
    for (let round = 0; round < 3; round++) {
      const napping = Array.from({ length: 10 }, () =>
        guarded.query(nap(30), testContext(5_000)).catch((error) => error),
      );
      await until(async () => (await pool.countRunning('test.nap')) === 10);
      await pool.admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where query like '%test.nap%' and state = 'active' and pid <> pg_backend_pid() and datname = current_database()`,
      );
      for (const error of await Promise.all(napping)) expect(error).toMatchObject({ code: 'postgres.unavailable' });
      expect(await guarded.query(backend(), testContext(5_000))).toHaveLength(1);
    }
    expect(states).toEqual([]);
  });

  test('when statements are refused and when callers leave', async () => {
    const { guarded, postgres, states } = open(5_000);
    const ping = vi.spyOn(postgres, 'ping');
    await guarded.query(addNote(1, 'x'), testContext(5_000));
    for (let call = 0; call < 20; call++) {
      await expect(guarded.query(addNote(1, 'y'), testContext(5_000))).rejects.toMatchObject({ code: '23505' });
      const context = testContext(5_000);
      const napping = guarded.query(nap(30), context);
      await until(async () => (await pool.countRunning('test.nap')) === 1);
      context.deadline.cancel();
      await expect(napping).rejects.toBeInstanceOf(Cancelled);
    }
    expect(states).toEqual([]);
    expect(ping).not.toHaveBeenCalled();
  });

  test('when failures are fewer than five in a row: it is not even asked', async () => {
    // Long enough that the good statements between keep to it on a busy machine.
    const { guarded, postgres } = open(250);
    const ping = vi.spyOn(postgres, 'ping');
    for (let round = 0; round < 4; round++) {
      for (let call = 0; call < 4; call++) await guarded.query(nap(30), testContext(5_000)).catch(() => undefined);
      await guarded.query(backend(), testContext(5_000));
    }
    expect(ping).not.toHaveBeenCalled();
    for (let call = 0; call < 5; call++) await guarded.query(nap(30), testContext(5_000)).catch(() => undefined);
    expect(ping).toHaveBeenCalledOnce();
  });
});
