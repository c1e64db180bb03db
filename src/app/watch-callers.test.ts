import { expect, test } from 'vitest';
import { newId } from '../base/ids.ts';
import type { HttpServer } from '../platform/http/index.ts';
import { type WatchCallersOptions, watchCallers } from './watch-callers.ts';

test.each([
  ['is disabled', { isDisabled: true }],
  ['was erased', undefined],
])(
  'the turns of a user who %s end also when it could not be told at first, and few look for who is',
  async (_, user) => {
    const userId = newId();
    const listeners: ((userId: string | undefined) => void)[] = [];
    const ended: string[] = [];
    let looks = 0;
    const options = {
      callers: {
        onChange: (listener: (id: string | undefined) => void) => listeners.push(listener),
        get: async () => {
          looks++;
          if (looks <= 5) throw new Error('the database is away');
          return user;
        },
      },
      authentication: {},
      turns: {
        users: new Set([userId]),
        endTurnsOf: (id: string, { code }: { code: string }) => ended.push(`${id} ${code}`),
      },
      tokenBudget: { doubt: () => undefined },
    };
    const http = { lifecycle: { streams: new Set(), awaited: new Set() } };
    watchCallers(http as unknown as HttpServer, options as unknown as WatchCallersOptions);
    // As while changes are not heard of.
    for (const changed of [userId, undefined, undefined, undefined, undefined]) {
      for (const tell of listeners) tell(changed);
      await new Promise(setImmediate);
    }
    await expect.poll(() => ended, { timeout: 10_000 }).toEqual([`${userId} auth.user_disabled`]);
    expect(looks).toBe(6);
  },
);
