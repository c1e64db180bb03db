import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { startDistanceProxy } from '../../../bench/distance.ts';
import { startFaultProxy } from '../../../test/harness/fault-proxy.ts';
import { backend, nap } from '../../../test/harness/pool-fixture.ts';
import { createTestDatabase } from '../../../test/harness/postgres.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres } from './postgres.ts';

/** A round trip of 800 ms: to open a connection takes several. */
const DISTANCE_MS = 400;

test('a far database is reached although opening a connection takes longer than callers wait, and few places are there', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { hostname: host, port } = new URL(database.url);
  const proxy = await startDistanceProxy({ target: { host, port: Number(port) }, delayMs: DISTANCE_MS });
  onTestFinished(() => proxy.close());
  const far = new URL(database.url);
  far.port = String(proxy.port);
  const log = createLogger({ level: 'silent' });
  const postgres = openPostgres({ url: far.href, log, poolSize: 2, poolOverflow: 0, poolWaitMs: 200 });
  onTestFinished(() => postgres.close());
  const untilMs = performance.now() + 20_000;
  const askAtOnce = () => Promise.any([1, 2, 3, 4].map(() => postgres.ping(testContext())));
  while ((await askAtOnce().catch(() => undefined)) === undefined) expect(performance.now()).toBeLessThan(untilMs);
}, 40_000);

test('an attempt to connect that hangs gives way also where a long statement has the only other place', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const proxy = await startFaultProxy(database.url);
  onTestFinished(() => proxy.close());
  const limits = { poolSize: 2, poolOverflow: 0, poolWaitMs: 20_000, statementTimeoutMs: 20_000 };
  const postgres = openPostgres({ url: proxy.url, log: createLogger({ level: 'silent' }), ...limits });
  onTestFinished(() => postgres.close());
  await postgres.ping(testContext());
  const long = postgres.query(nap(5), testContext());
  await until(() => postgres.poolStatus().idle === 0);
  proxy.setMode('black-hole');
  await Promise.allSettled([postgres.query(backend(), testContext(200))]);
  await sleep(1_000);
  proxy.setMode('pass');
  expect(await postgres.query(backend(), testContext(2_000))).toHaveLength(1);
  await long;
});

test('a pool is closed without waiting for a connection that it tries to open', async () => {
  const proxy = await startFaultProxy(inject('postgresUrl'));
  onTestFinished(() => proxy.close());
  proxy.setMode('black-hole');
  const log = createLogger({ level: 'silent' });
  const postgres = openPostgres({ url: proxy.url, log, poolWaitMs: 100, connectTimeoutMs: 600_000 });
  await expect(postgres.ping(testContext())).rejects.toMatchObject({ code: 'postgres.unavailable' });
  await postgres.close();
});
