import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { newSecret } from '../../src/core/keys/index.ts';
import { msUntil, startFaultServer } from './fault-server.ts';
import {
  type Answer,
  createClient,
  findLostAndDoubled,
  findNotOnce,
  findUnlogged,
  numberedWrites,
  replayUnanswered,
  startLoad,
} from './load.ts';

const FROZEN_MS = 20_000;
/** The budget of a statement, and half a second for all else. */
const BOUND_MS = 2_500;

/** With room to spare the collector lets garbage lie, and what is kept could not be told from what is not yet freed. */
const SMALL_HEAP = '--max-old-space-size=80 --max-semi-space-size=8';

const took = ({ sentAtMs, answeredAtMs }: Answer): number => answeredAtMs - sentAtMs;
const longest = (answers: readonly Answer[]): number => Math.max(...answers.map(took));

test('a database frozen for 20 s under load is answered 503 in time, and nothing written is lost or doubled', async () => {
  const hurt = await startFaultServer({ NODE_OPTIONS: SMALL_HEAP });
  const send = createClient(hurt);
  const { body: session } = await send({ method: 'POST', path: '/v1/chat/sessions', body: { title: 'read' } });
  const write = numberedWrites();
  const writes = startLoad(send, 20, write);
  const reads = startLoad(send, 20, () => ({ path: `/v1/chat/sessions/${session.id}/messages` }));
  const known = startLoad(send, 2, () => ({ path: '/v1/me' }));
  const lives = startLoad(send, 1, () => ({ path: '/livez' }));
  await sleep(3_000);
  expect([...writes.answers, ...reads.answers].filter(({ status }) => status >= 400)).toEqual([]);
  const residentMib = hurt.residentMib();
  const usualFiles = hurt.countFiles();

  const thaw = hurt.freezePostgres();
  const frozenAtMs = performance.now();
  const strangers = startLoad(send, 2, () => ({ path: '/v1/chat/sessions', key: newSecret() }));
  const unreadyMs = await msUntil(async () => (await send({ path: '/readyz' })).status === 503, 4_000);
  expect((await send({ path: '/readyz' })).body).toEqual({
    status: 'unavailable',
    reasons: ['The database does not answer.'],
  });
  let mostMib = 0;
  while (performance.now() < frozenAtMs + FROZEN_MS) {
    await sleep(250);
    mostMib = Math.max(mostMib, hurt.residentMib());
  }
  await strangers.stop();
  const thawedAtMs = performance.now();
  thaw();
  const isWritten = () => writes.answers.some(({ status, sentAtMs }) => status === 201 && sentAtMs > thawedAtMs);
  const firstSuccessMs = await msUntil(isWritten);
  const readyMs = await msUntil(async () => (await send({ path: '/readyz' })).status === 200);
  await sleep(1_000);
  await Promise.all([writes.stop(), reads.stop(), known.stop(), lives.stop()]);

  const answered = [...writes.answers, ...reads.answers];
  // The first moment still brings answers that were on their way.
  const inFrost = answered.filter(({ answeredAtMs }) => answeredAtMs > frozenAtMs + 100 && answeredAtMs < thawedAtMs);
  expect(inFrost.length).toBeGreaterThan(1_000);
  expect(new Set(inFrost.map(({ status }) => status))).toEqual(new Set([503]));
  expect(inFrost.filter(({ code }) => !code?.startsWith('postgres.'))).toEqual([]);
  expect(inFrost.filter((answer) => !(answer.retryAfterSeconds >= 1 && answer.retryAfterSeconds <= 5))).toEqual([]);
  expect(longest(answered)).toBeLessThan(BOUND_MS);
  expect(new Set(strangers.answers.map(({ status }) => status))).toEqual(new Set([503]));
  // Who is known still authenticates, and is served what needs no database.
  expect(known.answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(lives.answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(longest(lives.answers)).toBeLessThan(1_000);
  expect(mostMib - residentMib).toBeLessThan(30);
  expect(firstSuccessMs).toBeLessThan(4_000);
  expect(readyMs).toBeLessThan(4_000);
  await msUntil(() => hurt.countFiles() <= usualFiles * 1.1);
  expect(findUnlogged(inFrost, hurt.server.output())).toEqual([]);
  expect(hurt.server.output()).not.toContain('postgres://');
  expect(await findLostAndDoubled(send, writes.answers)).toEqual({ lost: [], doubled: [] });
  await replayUnanswered(send, writes.answers);
  expect(writes.answers.length).toBeGreaterThan(1_000);
  expect(await findNotOnce(send, writes.answers)).toEqual([]);
  expect(hurt.server.child.exitCode).toBe(null);
  process.stdout.write(
    `unready after ${unreadyMs.toFixed()} ms, ${inFrost.length} refused, the longest in ${longest(inFrost).toFixed()} ms; ` +
      `livez at most ${longest(lives.answers).toFixed()} ms; memory ${residentMib.toFixed()} to ${mostMib.toFixed()} MiB; ` +
      `first success after ${firstSuccessMs.toFixed()} ms, ready ${readyMs.toFixed()} ms later\n`,
  );
});
