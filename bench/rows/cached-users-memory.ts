import { fileURLToPath } from 'node:url';
import type { Bench } from '../frame/bench.ts';
import { atMost } from '../frame/measurement.ts';
import { expectAnswer } from '../stage/ask.ts';
import { credential, type User } from '../stage/users.ts';

const CACHED_USERS = 10_000;
/** Callers before the first look, so that what a server needs for its first requests is not held against the cache. */
const WARM_UP_USERS = 500;
const AT_ONCE = 20;
const MEGABYTE = 1e6;

async function callAsEach(port: number, users: readonly User[]): Promise<void> {
  const rest = users.values();
  const work = async (): Promise<void> => {
    for (const user of rest) {
      const path = '/v1/chat/sessions?limit=1';
      await expectAnswer(port, { method: 'GET', path, headers: credential(user), expectedStatus: 200 });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** What the process holds more, after a full collection, once 10,000 users more have called. */
export const cachedUsersMemory: Bench = {
  name: 'cached-users-memory',
  async measure(stage) {
    const users = await stage.users(WARM_UP_USERS + CACHED_USERS);
    // The cache alone: without the counters of requests, which are as many.
    const PLANS_FILE = fileURLToPath(new URL('../stage/plans-without-limits.yaml', import.meta.url));
    await using ours = await stage.startProduct({ variables: { PLANS_FILE } });
    await callAsEach(ours.port, users.slice(0, WARM_UP_USERS));
    const before = await ours.readMemory();
    await callAsEach(ours.port, users.slice(WARM_UP_USERS));
    const headers = credential(await stage.user());
    const readCache = { method: 'GET', path: '/admin/cache', headers, expectedStatus: 200 } as const;
    const { body: cache } = await expectAnswer(ours.port, readCache);
    const after = await ours.readMemory();
    return [
      {
        name: 'memory of 10,000 cached users',
        unit: 'MB',
        ours: [(after.usedBytes - before.usedBytes) / MEGABYTE],
        bound: atMost(10),
        note: `${cache.cached_users} cached, by its own count ${cache.cache_size_bytes} bytes`,
      },
    ];
  },
};
