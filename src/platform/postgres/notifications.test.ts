import { setImmediate as nextTurn } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/postgres.ts';
import { until } from '../../../test/harness/until.ts';
import { createLogger } from '../log/index.ts';
import { listen } from './notifications.ts';

let database: TestDatabase;
let admin: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** What a listener told, and the lines that it logged. */
interface Heard {
  readonly payloads: string[];
  readonly sincesMs: number[];
  lost: number;
  readonly lines: string[];
  close(): Promise<void>;
}

function startListening(url = database.url): Heard {
  const lines: string[] = [];
  const heard: Heard = { payloads: [], sincesMs: [], lost: 0, lines, close: async () => {} };
  const notifications = listen({
    url,
    channel: 'test_Channel',
    onNotification: (payload) => heard.payloads.push(payload),
    onLost: () => heard.lost++,
    onRestored: (sinceMs) => heard.sincesMs.push(sinceMs),
    log: createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } }),
    heartbeatMs: 100,
  });
  heard.close = () => notifications.close();
  onTestFinished(() => notifications.close());
  return heard;
}

async function startProxy(): Promise<FaultProxy> {
  const proxy = await startFaultProxy(database.url);
  onTestFinished(() => proxy.close());
  return proxy;
}

async function countListeners(): Promise<number> {
  const { rows } = await admin.query(
    `select count(*)::int as n from pg_stat_activity
      where application_name like 'evenkeel notifications %' and datname = current_database()`,
  );
  return rows[0].n;
}

async function endListeners(): Promise<void> {
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name like 'evenkeel notifications %' and datname = current_database()`,
  );
}

const notify = (payload: string) => admin.query('select pg_notify($1, $2)', ['test_Channel', payload]);

describe('a listener', () => {
  test('hears what commits after the instant that it names, on its channel alone', async () => {
    const heard = startListening();
    await until(() => heard.sincesMs.length === 1);
    const { rows } = await admin.query('select extract(epoch from clock_timestamp()) * 1000 as now_ms');
    expect(heard.sincesMs[0]).toBeLessThanOrEqual(Number(rows[0].now_ms) + 1);
    expect(Number.isInteger(heard.sincesMs[0])).toBe(true);
    await admin.query(`select pg_notify('test_channel', 'not this one')`);
    await notify('first');
    await notify('second');
    await until(() => heard.payloads.length === 2);
    expect(heard.payloads).toEqual(['first', 'second']);
  });

  test('tells nothing of other channels, which a pooler may have left to its connection', async () => {
    await admin.query(`
      create function listen_too() returns event_trigger language plpgsql as 'begin listen other; end';
      create event trigger listen_too on login execute function listen_too()`);
    onTestFinished(() => void admin.query('drop event trigger listen_too'));
    const heard = startListening();
    await until(() => heard.sincesMs.length === 1);
    await admin.query('notify other');
    await notify('ours');
    await until(() => heard.payloads.includes('ours'));
    expect(heard.payloads).toEqual(['ours']);
  });

  test('goes by its own name on the server, whatever the URL gives', async () => {
    const heard = startListening(`${database.url}?application_name=mine`);
    await until(() => heard.sincesMs.length === 1);
    expect(await countListeners()).toBe(1);
  });

  test('says that it was lost and restored when its connection is ended, each time once, and hears again', async () => {
    const heard = startListening();
    await until(() => heard.sincesMs.length === 1);
    for (const round of [1, 2]) {
      await endListeners();
      await until(() => heard.sincesMs.length === round + 1);
      expect(heard.lost).toBe(round);
      await notify(`after ${round}`);
      await until(() => heard.payloads.length === round);
    }
    expect(heard.lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'info', 'warn', 'info']);
  });

  test('notices a black hole by its heartbeat, and is restored after it', async () => {
    const proxy = await startProxy();
    const heard = startListening(proxy.url);
    await until(() => heard.sincesMs.length === 1);
    proxy.setMode('black-hole');
    const cutAtMs = performance.now();
    await until(() => heard.lost === 1);
    expect(performance.now() - cutAtMs).toBeLessThan(2_000);
    proxy.setMode('pass');
    await until(() => heard.sincesMs.length === 2);
    await notify('through again');
    await until(() => heard.payloads.length === 1);
  });

  test('leaves a connection on which it is not told in time that it listens, and tries another', async () => {
    const query = vi.spyOn(Client.prototype, 'query');
    onTestFinished(() => query.mockRestore());
    query.mockImplementationOnce(() => new Promise<never>(() => undefined));
    const heard = startListening();
    await until(() => heard.sincesMs.length === 1);
    await until(async () => (await countListeners()) === 1);
  });

  test('is not lost when this process stands still while the answer to a heartbeat is on its way', async () => {
    const query = vi.spyOn(Client.prototype, 'query');
    onTestFinished(() => query.mockRestore());
    const countHeartbeats = () => query.mock.calls.filter(([text]) => text === 'select 1').length;
    const heard = startListening();
    await until(() => heard.sincesMs.length === 1);
    query.mockImplementationOnce(async function (this: Client, text: string) {
      // From here on, timers come before anything is read.
      await nextTurn();
      const answer = this.query(text);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
      return await answer;
    });
    await until(() => countHeartbeats() >= 3);
    expect(heard.lost).toBe(0);
    expect(heard.sincesMs).toHaveLength(1);
  });

  test('keeps trying a server that is not there, and says so once', async () => {
    const proxy = await startProxy();
    proxy.setMode('reset');
    const heard = startListening(proxy.url);
    await until(() => heard.lines.length === 1);
    proxy.setMode('pass');
    await until(() => heard.sincesMs.length === 1);
    expect(heard.lost).toBe(0);
    expect(heard.lines).toHaveLength(2);
    expect(heard.lines.join('')).not.toContain('password');
  });

  test('leaves no connection when it is closed, also while it connects or waits', async () => {
    const proxy = await startProxy();
    const heard = startListening(proxy.url);
    await until(() => heard.sincesMs.length === 1);
    await heard.close();
    await until(async () => (await countListeners()) === 0);
    expect(heard.lost).toBe(0);
    proxy.setMode('black-hole');
    const connecting = startListening(proxy.url);
    await connecting.close();
    proxy.setMode('reset');
    const waiting = startListening(proxy.url);
    await until(() => waiting.lines.length === 1);
    await waiting.close();
    expect([connecting.sincesMs, waiting.sincesMs]).toEqual([[], []]);
  });
});
