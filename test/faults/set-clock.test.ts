import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';

const HOUR_MS = 3_600_000;
/** In the middle of an hour, so that an hour earlier or later is another window. */
const NOON_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2;

let product: Product;
let user: TestUser;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON_MS });
  product = await startProduct();
  user = await product.createUser();
});

afterAll(async () => {
  await product.stop();
  vi.useRealTimers();
});

/** Creates a session, writes to it and reads it; answers its id, and how the limits stand after that. */
async function useServer(): Promise<{ ids: string[]; remaining: number; resetSeconds: number }> {
  const created = await product.request(user, 'POST', '/v1/chat/sessions', {});
  const { id } = (await created.json()) as { id: string };
  const said = await product.request(user, 'POST', `/v1/chat/sessions/${id}/messages`, { content: 'Hello' });
  const message = (await said.json()) as { id: string };
  const read = await product.request(user, 'GET', `/v1/chat/sessions/${id}/messages`);
  expect([created.status, said.status, read.status]).toEqual([201, 200, 200]);
  expect(((await read.json()) as { data: { id: string }[] }).data.at(-1)?.id).toBe(message.id);
  const [, remaining, resetSeconds] = /r=(-?\d+);t=(-?\d+)/.exec(read.headers.get('ratelimit') ?? '') ?? [];
  return { ids: [id, message.id], remaining: Number(remaining), resetSeconds: Number(resetSeconds) };
}

test('a clock that jumps by an hour, back or forth: requests go on, windows are never negative, ids stay in order', async () => {
  const standings = [await useServer()];
  for (const atMs of [NOON_MS - HOUR_MS, NOON_MS, NOON_MS + HOUR_MS, NOON_MS]) {
    vi.setSystemTime(atMs);
    standings.push(await useServer());
  }
  for (const { remaining, resetSeconds } of standings) {
    expect(remaining).toBeGreaterThan(0);
    expect(resetSeconds).toBeGreaterThan(0);
    expect(resetSeconds).toBeLessThanOrEqual(60);
  }
  const [before, back] = standings;
  // Nobody has points anew by it.
  expect(back?.remaining).toBe((before?.remaining ?? 0) - 3);
  const ids = standings.flatMap((standing) => standing.ids);
  expect(ids.toSorted()).toEqual(ids);
});
