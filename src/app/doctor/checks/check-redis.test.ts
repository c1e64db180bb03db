import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startTestRedis, type TestRedis } from '../../../../test/harness/redis.ts';
import { systemClock } from '../../../base/time.ts';
import { loadConfig } from '../../../platform/config/index.ts';
import { checkRedis } from './check-redis.ts';

let server: TestRedis;

beforeAll(async () => {
  server = await startTestRedis();
});

afterAll(() => server.stop());

const look = (url: string) =>
  checkRedis.run({ config: loadConfig({ REDIS_URL: url }), clock: systemClock, instances: 1 });

test('a database that Redis does not have is broken, and what to do is said', async () => {
  expect(await look(`${server.url}/99`)).toEqual([
    {
      level: 'broken',
      what: 'Redis refuses database 99 (ERR DB index is out of range), and servers use database 0 instead',
      what_to_do: expect.stringContaining('REDIS_URL'),
    },
  ]);
});

test.each(['', '/', '/0', '/15'])('a database that Redis has is fine: %j', async (path) => {
  expect(await look(server.url + path)).toEqual([expect.objectContaining({ level: 'ok' })]);
});

test('a replica, which takes no writes, is broken', async () => {
  const client = new Redis(server.url);
  onTestFinished(async () => {
    await client.replicaof('NO', 'ONE');
    client.disconnect();
  });
  await client.replicaof('127.0.0.1', 1);
  expect(await look(server.url)).toEqual([
    expect.objectContaining({ level: 'broken', what: expect.stringContaining('replica') }),
  ]);
});

test('one that is full is broken', async () => {
  const client = new Redis(server.url);
  onTestFinished(async () => void (await client.config('SET', 'maxmemory', '0').finally(() => client.disconnect())));
  await client.config('SET', 'maxmemory', '1');
  expect(await look(server.url)).toEqual([
    expect.objectContaining({ level: 'broken', what: expect.stringMatching(/ask of it \(OOM/) }),
  ]);
});

test.each([
  ['-@scripting', 'broken', /^Redis refuses what servers ask of it \(NOPERM/, /no Sentinel/],
  ['-info', 'ok', /^Redis of an unknown version/, undefined],
])('a user without the right %s is %s', async (...[right, level, what, todo]) => {
  const client = new Redis(server.url);
  onTestFinished(async () => void (await client.acl('DELUSER', 'limited').finally(() => client.disconnect())));
  await client.acl('SETUSER', 'limited', 'on', '>secret', '~*', '+@all', right);
  expect(await look(server.url.replace('//', '//limited:secret@'))).toEqual([
    {
      level,
      what: expect.stringMatching(what),
      what_to_do: todo === undefined ? null : expect.stringMatching(todo),
    },
  ]);
});

test('a password that Redis does not know is broken, and where it belongs is said', async () => {
  expect(await look(server.url.replace('//', '//nobody:secret@'))).toEqual([
    expect.objectContaining({ level: 'broken', what_to_do: expect.stringMatching(/^Put the user and the password/) }),
  ]);
});
