import { beforeAll, expect, test } from 'vitest';
import { version } from '../../src/app/version.ts';
import type { CallContext } from '../../src/base/call-context.ts';
import type { Health } from '../../src/platform/telemetry/index.ts';
import { nap } from '../harness/pool-fixture.ts';
import { useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';
import { until } from '../harness/until.ts';
import { untilReady } from '../harness/until-ready.ts';

const product = useProduct({
  DATABASE_POOL_SIZE: '3',
  DATABASE_POOL_OVERFLOW: '2',
  DATABASE_POOL_WAIT_MS: '30000',
});

beforeAll(() => untilReady(product));

async function readHealth(path = '/health') {
  const response = await product.request(undefined, 'GET', path);
  return { response, body: (await response.json()) as Health };
}

/** Has so many callers hold or wait for a connection; answers how to let them go. */
async function occupy(callers: number): Promise<() => Promise<void>> {
  const contexts = Array.from({ length: callers }, () => testContext());
  // One nap after the other: the database ends a statement that takes much longer than its budget of 2 s.
  const hold = async (context: CallContext): Promise<void> => {
    while (!context.deadline.signal.aborted) await product.postgres.query(nap(2), context).catch(() => undefined);
  };
  const calls = contexts.map(hold);
  await until(() => product.postgres.poolStatus().active === Math.min(callers, 5));
  return async () => {
    for (const { deadline } of contexts) deadline.cancel();
    await Promise.all(calls);
    await until(() => product.postgres.poolStatus().active === 0);
  };
}

test('anyone is told how the server is, at both addresses, for a minute', async () => {
  const user = await product.createUser();
  for (let use = 0; use < 4; use++) await product.request(user, 'GET', '/v1/me');
  for (const path of ['/health', '/api/health']) {
    let health = await readHealth(path);
    // The server's own search for dead turns has a connection for a moment now and then.
    await until(async () => {
      health = await readHealth(path);
      return health.body.database.pool.checked_out === 0;
    });
    const { response, body } = health;
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('public, max-age=60');
    expect(body).toMatchObject({
      status: 'ok',
      reasons: [],
      version,
      database: { status: 'up', breaker: 'closed', pool: { size: 3, checked_out: 0, waiting: 0, status: 'HEALTHY' } },
      cache: { users: 1, ttl_seconds: 300 },
      redis: { status: 'off' },
      jobs: { running: 0, failed: 0 },
      models: [],
    });
    expect(body.uptime_seconds).toBeGreaterThanOrEqual(0);
    expect(body.database.latency_ms).toBeGreaterThan(0);
    expect(body.cache.bytes).toBeGreaterThan(0);
    expect(body.cache.hit_rate).toBeGreaterThan(0.5);
    expect(JSON.stringify(body)).not.toMatch(/\.\d{4}/);
  }
});

test('nothing that it tells is an address, a name of a host or a secret', async () => {
  const { hostname, port, pathname, username } = new URL(product.databaseUrl);
  const { response } = await readHealth();
  const text = JSON.stringify((await readHealth()).body) + JSON.stringify([...response.headers]);
  for (const secret of [hostname, `:${port}`, pathname.slice(1), `${username}@`]) expect(text).not.toContain(secret);
});

test.each([
  [2, { checked_out: 2, waiting: 0, utilisation: 0.4, status: 'HEALTHY' }],
  [3, { checked_out: 3, waiting: 0, utilisation: 0.6, status: 'NORMAL' }],
  [4, { checked_out: 4, waiting: 0, utilisation: 0.8, status: 'WARNING' }],
  [5, { checked_out: 5, waiting: 0, utilisation: 1, status: 'CRITICAL' }],
  [8, { checked_out: 5, waiting: 3, utilisation: 1, status: 'CRITICAL' }],
])('with %d callers on a pool of 3 and 2 more, its numbers are theirs', async (callers, expected) => {
  const release = await occupy(callers);
  let pool: Health['database']['pool'] | undefined;
  // A report is given out for a second, so the first one may be that of before.
  await until(async () => {
    ({ pool } = (await readHealth()).body.database);
    return pool.checked_out === expected.checked_out && pool.waiting === expected.waiting;
  });
  await release();
  expect(pool).toMatchObject(expected);
  expect(pool?.total).toBeGreaterThanOrEqual(expected.checked_out);
  expect(pool?.overflow).toBe(Math.max(0, (pool?.total ?? 0) - 3));
});

test('a database that is read-only is told of while it is', async () => {
  const admin = await product.connect();
  const name = admin.escapeIdentifier(admin.database ?? '');
  const readiness = async () => {
    const response = await product.request(undefined, 'GET', '/readyz');
    return { code: response.status, ...((await response.json()) as { status: string; reasons: string[] }) };
  };
  const readOnly = expect.stringContaining('read-only');

  await admin.query(`alter database ${name} set default_transaction_read_only = on`);
  // Connections of before may write, and one that was being opened at the change may be of before.
  await until(async () => {
    product.postgres.refresh();
    return (await readiness()).status === 'degraded';
  });
  expect(await readiness()).toEqual({ code: 200, status: 'degraded', reasons: [readOnly] });
  // A report is given out for a second.
  await until(async () => (await readHealth()).body.status === 'degraded');
  const { reasons, database } = (await readHealth()).body;
  expect({ reasons, status: database.status }).toEqual({ reasons: [readOnly], status: 'up' });

  await admin.query(`alter database ${name} reset default_transaction_read_only`);
  // Connections of before may not write; nothing here replaces them.
  await until(async () => (await readiness()).status === 'ready');
});
