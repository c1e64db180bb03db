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
    for (const tell of listeners) tell(newId());
    expect(looks).toBe(0);
    // As while changes are not heard of.
    for (const changed of [userId, undefined, undefined, undefined, undefined]) {
      for (const tell of listeners) tell(changed);
      await new Promise(setImmediate);
    }
    await expect.poll(() => ended, { timeout: 10_000 }).toEqual([`${userId} auth.user_disabled`]);
    expect(looks).toBe(6);
  },
);

test('who reads a long answer is asked for what its route takes, at a change of that user; which is no use of the key', async () => {
  const userId = newId();
  const listeners: ((userId: string | undefined) => void)[] = [];
  const asked: unknown[] = [];
  const request = {
    ...{ id: 'r1', ip: '10.0.0.1', caller: { userId }, headers: { 'x-api-key': 'secret' } },
    routeOptions: { config: { permissions: ['account:read', 'chat:read'] } },
  };
  const options = {
    callers: { onChange: (listener: (id: string | undefined) => void) => listeners.push(listener) },
    authentication: {
      identify: async (credential: string, { ip, isUse }: { ip: string; isUse: boolean }) => {
        asked.push([credential, ip, isUse]);
        return { userId };
      },
      authorize: (_request: object, permission: string) => asked.push(permission),
    },
    turns: { users: new Set() },
    tokenBudget: { doubt: (id: string) => asked.push(`the plan of ${id}`) },
  };
  const http = { lifecycle: { streams: new Set([{ request }]), awaited: new Set() } };
  watchCallers(http as unknown as HttpServer, options as unknown as WatchCallersOptions);
  const tell = async (changed: string | undefined) => {
    for (const listener of listeners) listener(changed);
    await new Promise(setImmediate);
    return asked.splice(0);
  };
  const recheck = [['secret', '10.0.0.1', false], 'account:read', 'chat:read'];
  const other = newId();
  expect(await tell(other)).toEqual([`the plan of ${other}`]);
  expect(await tell(userId)).toEqual(expect.arrayContaining([`the plan of ${userId}`, ...recheck]));
  expect(await tell(undefined)).toEqual(recheck);
});
