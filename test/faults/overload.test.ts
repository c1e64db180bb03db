import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startDistanceProxy } from '../../bench/distance.ts';
import { startProduct } from '../harness/product.ts';
import { msUntil } from './fault-server.ts';
import { type Answer, createClient, type Send } from './load.ts';

/** One way. With two connections, of which one statement gets one, a route that asks it once answers ten a second. */
const DISTANCE_MS = 50;
const CAPACITY_PER_SECOND = 10;
const PHASE_MS = 2_000;
/** Who is refused at once is answered in a few milliseconds; the rest is for a busy machine. */
const REFUSED_BOUND_MS = 150;
/** The wait in line, and a round trip. */
const SERVED_BOUND_MS = 1_500;

/** Asks so often a second, whether or not answers come. */
async function askAtRate(send: Send, perSecond: number): Promise<Answer[]> {
  const answers: Promise<Answer>[] = [];
  const startedAtMs = performance.now();
  while (performance.now() < startedAtMs + PHASE_MS) {
    const due = ((performance.now() - startedAtMs) / 1_000) * perSecond;
    while (answers.length < due) answers.push(send({ path: '/v1/keys' }));
    await sleep(5);
  }
  return await Promise.all(answers);
}

const took = ({ sentAtMs, answeredAtMs }: Answer): number => answeredAtMs - sentAtMs;

function median(answers: readonly Answer[]): number {
  return answers.map(took).toSorted((a, b) => a - b)[Math.floor(answers.length / 2)] ?? Number.NaN;
}

const servedOf = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 200);

test('asked for twice, five and ten times what it can do, a route does as much as ever, and refuses the rest at once', async () => {
  const owner = await startProduct({}, { worksOnJobs: false });
  onTestFinished(() => owner.stop());
  const { hostname: host, port } = new URL(owner.databaseUrl);
  const proxy = await startDistanceProxy({ target: { host, port: Number(port) }, delayMs: DISTANCE_MS });
  onTestFinished(() => proxy.close());
  const far = new URL(owner.databaseUrl);
  far.port = String(proxy.port);
  const variables = { DATABASE_POOL_SIZE: '2', DATABASE_POOL_OVERFLOW: '0', DATABASE_POOL_WAIT_MS: '500' };
  const product = await startProduct(variables, { worksOnJobs: false, beside: { ...owner, databaseUrl: far.href } });
  onTestFinished(() => product.stop());
  const { key } = await owner.createUser();
  const send = createClient({ server: product, key }, 1_000);
  await msUntil(async () => (await send({ path: '/v1/keys' })).status === 200);

  const peak = servedOf(await askAtRate(send, CAPACITY_PER_SECOND)).length;
  for (const factor of [2, 5, 10]) {
    const answers = await askAtRate(send, factor * CAPACITY_PER_SECOND);
    const served = servedOf(answers);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.filter(({ status, code }) => status !== 503 || code !== 'postgres.overloaded')).toEqual([]);
    expect(refused.filter(({ retryAfterSeconds }) => retryAfterSeconds < 1)).toEqual([]);
    expect(median(refused)).toBeLessThan(REFUSED_BOUND_MS);
    expect(served.length).toBeGreaterThanOrEqual(peak * 0.7);
    expect(Math.max(...served.map(took))).toBeLessThan(SERVED_BOUND_MS);
  }
  await msUntil(async () => took(await send({ path: '/v1/keys' })) < 300, 5_000);
});
