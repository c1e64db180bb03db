import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { listen } from '../../../test/harness/listen.ts';
import { startTestRedis, type TestRedis } from '../../../test/harness/redis.ts';
import { until } from '../../../test/harness/until.ts';
import { createLogger } from '../log/index.ts';
import { defineScript, openRedis, type Redis } from './redis.ts';

let server: TestRedis;
let admin: Client;

beforeAll(async () => {
  server = await startTestRedis();
  admin = new Client(server.url);
});

afterEach(async () => {
  server.thaw();
  await admin.flushall();
});

afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

const COMMAND_TIMEOUT_MS = 150;

interface Opened {
  readonly redis: Redis;
  /** The levels of what the log was told, and all of it. */
  readonly lines: () => string[];
  readonly said: () => { level: string; msg: string }[];
}

async function open(breakerWindowMs?: number, url = server.url): Promise<Opened> {
  const lines: string[] = [];
  const redis = await openRedis({
    url,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    ...(breakerWindowMs !== undefined && { breakerWindowMs }),
    log: createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } }),
  });
  onTestFinished(() => redis.close());
  await until(() => redis.isAvailable);
  const said = () => lines.map((line) => JSON.parse(line));
  return { redis, said, lines: () => said().map(({ level }) => level) };
}

/** Which connections of ours the server has. */
async function connectionIds(): Promise<string[]> {
  return String(await admin.client('LIST')).match(/^id=\d+(?=.* name=evenkeel )/gm) ?? [];
}

const countRefused = (errorStats: string): number => Number(/errorstat_NOAUTH:count=(\d+)/.exec(errorStats)?.[1] ?? 0);

async function took(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

test('keeps texts until they lapse, and writes over none', async () => {
  const { redis, lines } = await open();
  expect(await redis.setIfAbsent('a', 'text', 59_999.5)).toBe(true);
  expect(await redis.get('a')).toBe('text');
  expect(await admin.pttl('a')).toBeGreaterThan(50_000);
  expect(await redis.setIfAbsent('a', 'other', 60_000)).toBe(false);
  expect(await redis.getAll(['a', 'b'])).toEqual(['text', undefined]);
  await redis.close();
  await until(async () => (await connectionIds()).length === 0);
  expect(lines()).toEqual([]);
});

test('runs a script in one step, also after Redis has forgotten it', async () => {
  const { redis } = await open();
  const script = defineScript(`return redis.call('incrby', KEYS[1], ARGV[1])`);
  expect(await redis.run(script, ['n'], [2])).toBe(2);
  await admin.script('FLUSH');
  expect(await redis.run(script, ['n'], [3])).toBe(5);
});

test('a script that fails half way is not run a second time', async () => {
  const { redis } = await open();
  const script = defineScript(`redis.call('incr', KEYS[1]) return redis.call('hget', KEYS[1], 'no hash')`);
  expect(await redis.run(script, ['n'], [])).toBeUndefined();
  expect(await redis.run(script, ['n'], [])).toBeUndefined();
  expect(await redis.get('n')).toBe('2');
});

test('a value of another type is no text, and no trouble', async () => {
  const { redis, lines } = await open();
  await admin.lpush('list', 'item');
  expect(await redis.get('list')).toBeUndefined();
  expect(await redis.getAll(['list'])).toEqual([undefined]);
  expect(redis.isAvailable).toBe(true);
  expect(lines()).toEqual([]);
});

test('a database that Redis does not have is said once, however often it connects', async () => {
  const lines: string[] = [];
  const redis = await openRedis({
    url: `${server.url}/99`,
    commandTimeoutMs: COMMAND_TIMEOUT_MS,
    breakerWindowMs: 300,
    log: createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } }),
  });
  onTestFinished(() => redis.close());
  await until(() => redis.isAvailable);
  await server.kill();
  try {
    await until(() => !redis.isAvailable);
  } finally {
    await server.restart();
  }
  await until(() => redis.isAvailable || redis.get('a').then(() => false));
  const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('database'));
  expect(told).toEqual([expect.objectContaining({ level: 'warn', database: 99 })]);
});

describe('a Redis in trouble', () => {
  test('when it is frozen, costs one command its timeout in a window, and is said once', async () => {
    const { redis, lines } = await open(60_000);
    await admin.config('RESETSTAT');
    server.freeze();
    expect(await took(() => redis.get('a'))).toBeGreaterThan(COMMAND_TIMEOUT_MS - 20);
    for (let index = 0; index < 100; index++) {
      expect(await redis.get('a')).toBeUndefined();
      expect(await redis.getAll(['a'])).toBeUndefined();
      expect(await redis.setIfAbsent('a', 'b', 1_000)).toBeUndefined();
    }
    expect(redis.isAvailable).toBe(false);
    expect(lines()).toEqual(['warn']);
    server.thaw();
    // What was sent meanwhile is read at once, but another connection's question may be answered before.
    const countSent = async () =>
      String(await admin.info('commandstats')).match(/^cmdstat_(?:get|mget|set):calls=\d+/gm);
    await expect.poll(countSent).toEqual(['cmdstat_get:calls=1']);
  });

  test('is used again soon after it thaws, without a restart', async () => {
    const { redis, lines } = await open(300);
    server.freeze();
    await redis.get('a');
    await until(() => !redis.isAvailable);
    server.thaw();
    await until(async () => {
      await redis.setIfAbsent('a', 'back', 60_000);
      return (await redis.get('a')) === 'back';
    });
    expect(lines()).toEqual(['warn', 'info']);
  });

  test('is said to be frozen where it is, and to refuse the password where it does, whatever was the matter before', async () => {
    const { redis, said } = await open(300);
    const untilUsed = () => until(() => redis.isAvailable || redis.get('a').then(() => false));
    await server.kill();
    await until(() => !redis.isAvailable);
    await server.restart();
    await untilUsed();

    server.freeze();
    await redis.get('a');
    expect(said().at(-1)).toMatchObject({
      level: 'warn',
      err: { message: expect.stringContaining('no answer within') },
    });
    server.thaw();
    await untilUsed();

    const withPassword = await open(300, server.url.replace('//', '//:old@'));
    const operator = new Client(server.url);
    onTestFinished(() => operator.disconnect());
    await operator.config('SET', 'requirepass', 'another');
    await operator.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    for (const each of [said, withPassword.said])
      await until(() => each().at(-1)?.msg === 'Redis refuses the user or the password of its URL');
    // Each connection is refused, and that is said once.
    await until(async () => countRefused(await operator.info('errorstats')) > 10);
    await operator.config('SET', 'requirepass', '');
    await untilUsed();
    expect(said().map(({ level }) => level)).toEqual(['warn', 'info', 'warn', 'info', 'warn', 'warn', 'info']);
    // That a connection was ended is told without the reason of the trouble before.
    expect(said()[4]).not.toHaveProperty('err');
  });

  test('is asked again by time that passes, whatever the wall clock says', async () => {
    const { redis } = await open(300);
    server.freeze();
    await redis.get('a');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    server.thaw();
    await until(() => redis.ping());
  });

  test('is not blamed for a time in which this process stood still', async () => {
    const { redis, lines } = await open(60_000);
    await admin.set('a', 'text');
    const answer = redis.get('a');
    // The command has left; nothing is read until its time is over.
    await new Promise((resolve) => setImmediate(resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * COMMAND_TIMEOUT_MS);
    expect(await answer).toBe('text');
    expect(redis.isAvailable).toBe(true);
    expect(lines()).toEqual([]);
  });

  test('lets one probe wait, and no caller beside it', async () => {
    const { redis } = await open(100);
    server.freeze();
    await redis.get('a');
    await new Promise((resolve) => setTimeout(resolve, 120));
    const probe = redis.get('a');
    expect(await took(() => Promise.all(Array.from({ length: 50 }, () => redis.get('b'))))).toBeLessThan(100);
    expect(await probe).toBeUndefined();
  });

  test('when it is gone, is not waited for, and is used again when it is back', async () => {
    const { redis, lines } = await open(60_000);
    await server.kill();
    try {
      await until(() => !redis.isAvailable);
      expect(await took(() => redis.get('a'))).toBeLessThan(100);
    } finally {
      await server.restart();
    }
    // As soon as there is a connection: it was not by a command that it was found to be gone.
    await until(() => redis.isAvailable);
    expect(lines()).toEqual(['warn', 'info']);
  });

  test('when it is full or read-only, refuses writes without an error to anybody', async () => {
    const { redis } = await open(100);
    await admin.config('SET', 'maxmemory', '1');
    await redis.setIfAbsent('a', 'text', 1_000);
    expect(redis.isAvailable).toBe(false);
    await admin.config('SET', 'maxmemory', '0');
    await until(async () => (await redis.setIfAbsent('b', 'text', 60_000)) === true);
    const before = await connectionIds();
    await admin.replicaof('127.0.0.1', 1);
    await redis.setIfAbsent('a', 'text', 1_000);
    // The next may lead to the new primary.
    await until(async () => (await connectionIds()).some((id) => !before.includes(id)));
    await admin.replicaof('NO', 'ONE');
    await until(async () => (await redis.setIfAbsent('c', 'text', 60_000)) === true);
  });

  test('whose connection the network has forgotten is used again on another, and is sent no command a second time', async () => {
    const proxy = await startFaultProxy(server.url);
    onTestFinished(() => proxy.close());
    const { redis } = await open(300, proxy.url);
    const count = defineScript(`return redis.call('incr', KEYS[1])`);
    expect(await redis.run(count, ['n'], [])).toBe(1);
    proxy.forget();
    expect(await redis.run(count, ['n'], [])).toBeUndefined();
    await until(async () => (await redis.get('n')) !== undefined);
    expect(await redis.get('n')).toBe('1');
  });

  test('while it loads its data, is not waited for, and no error', async () => {
    const loading = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write('-LOADING Redis is loading the dataset in memory\r\n'));
    });
    const port = await listen(loading);
    onTestFinished(() => void loading.close());
    const log = createLogger({ level: 'silent' });
    const redis = await openRedis({ url: `redis://127.0.0.1:${port}`, commandTimeoutMs: COMMAND_TIMEOUT_MS, log });
    onTestFinished(() => redis.close());
    await sleep(200);
    expect(await took(() => Promise.all([redis.get('a'), redis.setIfAbsent('a', 'b', 1_000)]))).toBeLessThan(100);
    expect(await redis.get('a')).toBeUndefined();
    expect(redis.isAvailable).toBe(false);
  });

  test('one that is not there at the start is no error either', async () => {
    const lines: string[] = [];
    const log = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } });
    const redis = await openRedis({
      url: 'redis://:canary-secret@127.0.0.1:1',
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      log,
    });
    onTestFinished(() => redis.close());
    expect(await redis.get('a')).toBeUndefined();
    await until(() => lines.length === 1);
    expect(lines.join('')).toContain('ECONNREFUSED');
    expect(lines.join('')).not.toContain('canary-secret');
  });
});
