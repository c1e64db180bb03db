import { setTimeout as sleep } from 'node:timers/promises';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { startTestRedis, type TestRedis } from '../harness/redis.ts';
import { sampleOf } from '../harness/sample-of.ts';
import { untilReady } from '../harness/until-ready.ts';
import { writeTestFile } from '../harness/write-test-file.ts';
import { type Answer, createClient, type Send } from './load.ts';

/** One command of 150 ms; the rest is for a busy machine. */
const SLOWEST_MS = 1_000;
const LIMIT = 20;

let redis: TestRedis;
let admin: Client;
let product: Product;
let known: TestUser;
let limited: TestUser;

beforeAll(async () => {
  redis = await startTestRedis();
  admin = new Client(redis.url);
  admin.on('error', () => undefined);
  const plansFile = writeTestFile('plans.yaml', `few: { requests: { day: ${LIMIT} } }`);
  product = await startProduct({ REDIS_URL: redis.url, PLANS_FILE: plansFile });
  [known, limited] = [await product.createUser(), await product.createUser()];
  await isWell();
  expect((await product.request(limited, 'PUT', '/v1/me/plan', { plan: 'few' })).status).toBe(200);
});

afterAll(async () => {
  redis?.thaw();
  admin?.disconnect();
  await product?.stop();
  await redis?.stop();
});

const readiness = async () => (await product.request(undefined, 'GET', '/readyz')).text();

async function isWell(): Promise<void> {
  await untilReady(product);
}

/** How often it was counted that Redis came to a state. */
async function countChanges(state: string): Promise<number> {
  const text = await (await fetch(`${product.url}/metrics`)).text();
  // Not there before it was first counted.
  return sampleOf(text, `evenkeel_breaker_changes_total{part="redis",state="${state}"}`) || 0;
}

const took = ({ sentAtMs, answeredAtMs }: Answer): number => answeredAtMs - sentAtMs;

/** Requests of all kinds that use Redis: of callers who are known and not, with tokens set aside, on a limit. */
async function useAll(send: Send): Promise<{ all: Answer[]; limited: Answer[] }> {
  const all: Answer[] = [];
  const ofLimited: Answer[] = [];
  for (let round = 0; round < 5; round++) {
    const { key } = await product.createUser();
    const answers = await Promise.all([
      send({ path: '/v1/me', key }),
      send({ path: '/v1/me' }),
      send({ method: 'POST', path: '/v1/chat/sessions', body: {}, idempotencyKey: newId() }),
      send({
        method: 'POST',
        path: '/v1/chat/completions',
        body: { model: 'offline', messages: [{ role: 'user', content: 'Hello' }] },
      }),
    ]);
    all.push(...answers);
    ofLimited.push(await send({ path: '/v1/me', key: limited.key }));
  }
  return { all, limited: ofLimited };
}

interface Fault {
  readonly begin: () => unknown;
  readonly end: () => unknown;
  /** Whether Redis is left alone meanwhile. */
  readonly isAway: boolean;
}

const nothing = () => undefined;
const faults: Record<string, Fault> = {
  'that forgets its scripts': { begin: () => admin.script('FLUSH'), end: nothing, isAway: false },
  'that is slow': { begin: () => admin.call('CLIENT', 'PAUSE', '3000', 'ALL'), end: () => sleep(3_000), isAway: true },
  'that is frozen': { begin: () => redis.freeze(), end: () => redis.thaw(), isAway: true },
  'that is full': {
    begin: () => admin.config('SET', 'maxmemory', '1'),
    end: () => admin.config('SET', 'maxmemory', '0'),
    isAway: true,
  },
  'that is a replica': {
    begin: () => admin.replicaof('127.0.0.1', 1),
    end: () => admin.replicaof('NO', 'ONE'),
    isAway: true,
  },
  'that is gone': { begin: () => redis.kill(), end: () => redis.restart(), isAway: true },
  'that has lost everything': { begin: () => admin.flushall(), end: nothing, isAway: false },
};

let allowed = 0;

test.each(Object.entries(faults))(
  'a Redis %s fails nobody, makes few wait, and is used again when it is well',
  async (_name, { begin, end, isAway }) => {
    const send = createClient({ server: product, key: known.key });
    const [opened, closed] = [await countChanges('open'), await countChanges('closed')];
    await begin();
    const { all, limited: ofLimited } = await useAll(send);
    expect(all.filter(({ status }) => status !== 200 && status !== 201)).toEqual([]);
    expect(Math.max(...[...all, ...ofLimited].map(took))).toBeLessThan(SLOWEST_MS);
    expect(ofLimited.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
    allowed += ofLimited.filter(({ status }) => status === 200).length;
    if (isAway) expect(await readiness()).toContain('Redis');
    await end();
    await isWell();
    if (!isAway) return;
    expect(await countChanges('open')).toBeGreaterThan(opened);
    expect(await countChanges('closed')).toBeGreaterThan(closed);
  },
);

test('and lets nobody have more than their limit, whatever happened to it', async () => {
  expect(allowed).toBeLessThanOrEqual(LIMIT);
  // One was used to be put on the plan, and a command that was not waited for may have leased one in vain.
  expect(allowed).toBeGreaterThan(LIMIT - 5);
});
