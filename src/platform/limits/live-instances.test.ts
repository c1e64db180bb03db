import { Redis as Client } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { useTestRedis } from '../../../test/harness/redis.ts';
import { LiveInstances } from './live-instances.ts';

const own = useTestRedis();
const KEY = 'evenkeel:instances';

function connect(): Client {
  const admin = new Client(own.server.url);
  onTestFinished(() => admin.disconnect());
  return admin;
}

test('a server that was silent for five seconds is not counted', async () => {
  const admin = connect();
  await admin.zadd(KEY, Date.now() - 6_000, 'dead', Date.now(), 'alive');
  const instances = new LiveInstances(own.redis);
  await instances.beat();
  expect(instances.count).toBe(2);
  await admin.del(KEY);
});

test('a server that stops is no longer counted, at once', async () => {
  const [first, second] = [new LiveInstances(own.redis), new LiveInstances(own.redis)];
  for (const instances of [first, second, first]) await instances.beat();
  expect(first.count).toBe(2);
  await second.stop();
  await first.beat();
  expect(first.count).toBe(1);
});
