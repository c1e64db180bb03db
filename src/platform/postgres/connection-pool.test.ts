import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startDistanceProxy } from '../../../bench/distance.ts';
import { listen } from '../../../test/harness/listen.ts';
import { backend, nap } from '../../../test/harness/pool-fixture.ts';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/postgres.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { until } from '../../../test/harness/until.ts';
import { DeadlineExceeded } from '../../base/deadline.ts';
import { createLogger } from '../log/index.ts';
import { openPostgres, type PostgresOptions } from './postgres.ts';

/** A way to the database: it can swallow every byte, as a network does that has lost its route, or be slow at first. */
class Route {
  isBlackHole = false;
  /** How long what a new connection sends first is on its way. */
  delayOfNewMs = 0;
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer({ allowHalfOpen: true }, (inner) => {
      this.connections++;
      const outer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      outer.cork();
      setTimeout(() => outer.uncork(), this.delayOfNewMs);
      this.#join(inner, outer);
      this.#join(outer, inner);
    });
  }

  async open(url: string): Promise<string> {
    const routed = new URL(url);
    routed.port = String(await listen(this.#server));
    return routed.href;
  }

  /** Sockets of this process that are none of the way's own: those of the pool. */
  countPoolSockets(): number {
    const sockets = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap');
    return sockets.length - this.#sockets.size;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('data', (bytes) => {
      if (!this.isBlackHole) to.write(bytes);
    });
    // A black hole does not answer a goodbye either. What is on its way arrives, also when its sender is gone.
    from.on('end', () => {
      if (!this.isBlackHole) setTimeout(() => to.end(), this.delayOfNewMs);
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      setTimeout(() => to.destroy(), this.delayOfNewMs);
    });
  }
}

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

interface Routed {
  readonly port?: number;
  /** Whether the role may have no connection at all. */
  readonly isFull?: boolean;
}

/** The URL of a role that may have no connection. */
async function fullUrl(): Promise<string> {
  const admin = new Client({ connectionString: database.url });
  await admin.connect();
  const role = `test_full_${process.pid}`;
  await admin.query(`create role ${role} login password 'secret' connection limit 0`);
  onTestFinished(async () => {
    await admin.query(`drop role ${role}`);
    await admin.end();
  });
  const url = new URL(database.url);
  [url.username, url.password] = [role, 'secret'];
  return url.href;
}

async function openRouted(options: Partial<PostgresOptions>, { port, isFull = false }: Routed = {}) {
  const route = new Route(port ?? Number(new URL(database.url).port));
  const url = await route.open(isFull ? await fullUrl() : database.url);
  const postgres = openPostgres({ url, log: createLogger({ level: 'silent' }), ...options });
  onTestFinished(async () => {
    await postgres.close();
    route.close();
  });
  return { route, postgres };
}

test('callers of a black-holed server get 503 at the wait bound, and it is noticed within 2 s that it is back', async () => {
  const { route, postgres } = await openRouted({ poolSize: 2, poolOverflow: 2, poolWaitMs: 200 });
  route.isBlackHole = true;
  // Long enough for attempts to connect that hang to take every place.
  const untilMs = performance.now() + 1_500;
  while (performance.now() < untilMs) {
    const startedAtMs = performance.now();
    const callers = Array.from({ length: 8 }, () => postgres.ping(testContext()).catch((error) => error.code));
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['postgres.unavailable']));
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  }
  // At most the four of the beginning and four a second.
  expect(route.connections).toBeLessThanOrEqual(8);
  route.isBlackHole = false;
  const healedAtMs = performance.now();
  while (typeof (await postgres.ping(testContext()).catch((error) => error.code)) === 'string') {
    expect(performance.now() - healedAtMs).toBeLessThan(2_000);
  }
  // Whoever waits in vain from then on is told of a busy server, and not of one that is away.
  const asking = await Promise.allSettled([1, 2, 3, 4, 5].map(() => postgres.query(nap(0.5), testContext())));
  const codes = asking.map((each) => each.status === 'rejected' && each.reason.code);
  expect(new Set(codes)).toEqual(new Set([false, 'postgres.overloaded']));
});

test('a statement whose answer is swallowed is 503 at the bound, and its connection is not used again', async () => {
  const { route, postgres } = await openRouted({
    poolSize: 1,
    poolOverflow: 0,
    statementTimeoutMs: 200,
    poolWaitMs: 1_000,
  });
  await postgres.ping(testContext());
  route.isBlackHole = true;
  const startedAtMs = performance.now();
  await expect(postgres.ping(testContext())).rejects.toMatchObject({ code: 'postgres.unavailable' });
  const tookMs = performance.now() - startedAtMs;
  expect(tookMs).toBeGreaterThan(650);
  expect(tookMs).toBeLessThan(4_000);
  route.isBlackHole = false;
  await postgres.ping(testContext());
  expect(route.connections).toBe(2);
});

test('attempts that hang give way to a caller who comes after the server is back, and has less time than the line has', async () => {
  const { route, postgres } = await openRouted({ poolSize: 2, poolOverflow: 0, poolWaitMs: 20_000 });
  route.isBlackHole = true;
  await Promise.allSettled([1, 2].map(() => postgres.query(backend(), testContext(200))));
  await sleep(1_000);
  route.isBlackHole = false;
  expect(await postgres.query(backend(), testContext(2_000))).toHaveLength(1);
});

test.each([1, 3])(
  'of %i places, those of attempts that hang since a moment do not keep who comes from trying',
  async (poolSize) => {
    const { route, postgres } = await openRouted({ poolSize, poolOverflow: 0, poolWaitMs: 20_000 });
    route.isBlackHole = true;
    await Promise.allSettled([postgres.query(backend(), testContext(100))]);
    route.isBlackHole = false;
    expect(await postgres.query(backend(), testContext())).toHaveLength(1);
  },
);

test('an idle connection is had at once, whatever is being opened for others who have left', async () => {
  const { route, postgres } = await openRouted({ poolSize: 2, poolOverflow: 0, poolWaitMs: 5_000 });
  const first = await postgres.query(backend(), testContext());
  route.delayOfNewMs = 2_000;
  await Promise.all([postgres.query(nap(0.1), testContext()), postgres.query(backend(), testContext())]);
  expect(postgres.poolStatus()).toMatchObject({ idle: 1, active: 1 });
  expect(await postgres.query(backend(), testContext())).toEqual(first);
});

test('a connection that does not answer when it is checked is closed before its successor is opened', async () => {
  const options = { poolSize: 3, poolOverflow: 0, poolWaitMs: 200, checkAfterIdleMs: 1 };
  const { route, postgres } = await openRouted(options);
  const askAll = () => Promise.allSettled([1, 2, 3].map(() => postgres.ping(testContext())));
  await askAll();
  expect(route.countPoolSockets()).toBe(3);
  await sleep(10);
  route.isBlackHole = true;
  while (route.connections === 3) {
    await askAll();
    await sleep(50);
    expect(route.countPoolSockets()).toBeLessThanOrEqual(3);
  }
});

test('a connection that is opened when nobody waits any more serves the next', async () => {
  const { route, postgres } = await openRouted({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
  route.delayOfNewMs = 200;
  await expect(postgres.query(backend(), testContext(50))).rejects.toBeInstanceOf(DeadlineExceeded);
  await until(() => postgres.poolStatus().idle === 1);
  await postgres.query(backend(), testContext());
  expect(route.connections).toBe(1);
});

test('a connection is kept when who had it checked leaves before a far server has answered', async () => {
  const { hostname, port } = new URL(database.url);
  const distance = await startDistanceProxy({ target: { host: hostname, port: Number(port) }, delayMs: 100 });
  onTestFinished(() => distance.close());
  const options = { poolSize: 1, poolOverflow: 0, poolWaitMs: 2_000, checkAfterIdleMs: 1 };
  const { postgres } = await openRouted(options, { port: distance.port });
  const first = await postgres.query(backend(), testContext());
  await sleep(10);
  await expect(postgres.query(backend(), testContext(50))).rejects.toBeInstanceOf(DeadlineExceeded);
  expect(await postgres.query(backend(), testContext())).toEqual(first);
});

test('a pool that is closed leaves no socket behind, also when the server does not say goodbye', async () => {
  const { route, postgres } = await openRouted({ poolSize: 2, poolOverflow: 0 });
  await Promise.all([1, 2].map(() => postgres.query(nap(0.1), testContext())));
  expect(route.countPoolSockets()).toBe(2);
  route.isBlackHole = true;
  await postgres.close();
  await sleep(1_500);
  expect(route.countPoolSockets()).toBe(0);
});

test('callers are served by whichever connection comes free first, not by the one opened for them', async () => {
  const { route, postgres } = await openRouted({ poolSize: 1, poolOverflow: 1, poolWaitMs: 5_000 });
  const [first] = await postgres.query(backend(), testContext());
  route.delayOfNewMs = 2_000;
  const busy = postgres.query(nap(0.2), testContext());
  await until(() => postgres.poolStatus().idle === 0);
  expect(await postgres.query(backend(), testContext())).toEqual(first === undefined ? [] : [first]);
  await busy;
});

test('a cancel that arrives after its statement has ended does not hit the next one', async () => {
  const { route, postgres } = await openRouted({ poolSize: 1, poolOverflow: 0, poolWaitMs: 5_000 });
  await postgres.ping(testContext());
  route.delayOfNewMs = 300;
  const context = testContext();
  const cancelled = postgres.query(nap(0.1), context).catch((error) => error.name);
  await until(() => postgres.poolStatus().idle === 0);
  context.deadline.cancel();
  expect(await cancelled).toBe('Cancelled');
  await expect(postgres.query(nap(0.5), testContext())).resolves.toHaveLength(1);
});

test('connections that reach their age together are replaced without a caller who waits for it', async () => {
  const { route, postgres } = await openRouted({ poolSize: 3, maxAgeSeconds: 1 });
  await Promise.all([1, 2, 3].map(() => postgres.query(nap(0.1), testContext())));
  // Longer than a caller waits for a connection.
  route.delayOfNewMs = 800;
  const untilMs = performance.now() + 3_000;
  while (performance.now() < untilMs) {
    expect(await postgres.query(backend(), testContext())).toHaveLength(1);
    await sleep(50);
  }
  expect(route.connections).toBeGreaterThan(3);
  // One after the other, however often it is seen that their time is over.
  expect(route.connections).toBeLessThan(10);
});

test('a shared statement whose part is one connection has another while a cancel keeps that one', async () => {
  const { route, postgres } = await openRouted({ poolSize: 5, poolOverflow: 0 });
  await Promise.all([1, 2, 3, 4, 5].map(() => postgres.query(nap(0.1), testContext())));
  const shared = (seconds: number) => ({ ...nap(seconds), sharedBy: 5 });
  route.delayOfNewMs = 800;
  const leaving = testContext();
  const left = postgres.query(shared(30), leaving).catch((error) => error.name);
  await until(() => postgres.poolStatus().idle === 4);
  leaving.deadline.cancel();
  expect(await left).toBe('Cancelled');
  expect(await postgres.query(shared(0), testContext())).toHaveLength(1);
});

test.each([
  ['is not there', 'postgres.unavailable', { port: 1 }],
  ['has no connection left', 'postgres.overloaded', { isFull: true }],
])('a server that %s is asked at most ten times a second, however many callers wait', async (_name, code, server) => {
  const { log, lines } = recordingLog();
  const options = { poolSize: 4, poolOverflow: 0, poolWaitMs: 1_000, log };
  const { route, postgres } = await openRouted(options, server);
  const callers = Array.from({ length: 200 }, () => postgres.ping(testContext()).catch((error) => error.code));
  expect(new Set(await Promise.all(callers))).toEqual(new Set([code]));
  expect(route.connections).toBeGreaterThan(4);
  expect(route.connections).toBeLessThanOrEqual(4 + 10);
  expect(lines.filter((line) => line.includes('cannot connect'))).toHaveLength(1);
});

function recordingLog() {
  const lines: string[] = [];
  return {
    lines,
    log: createLogger({ level: 'info', destination: { write: (line: string) => void lines.push(line) } }),
  };
}
