import { expect, test } from 'vitest';
import { newId } from '../base/ids.ts';
import type { HttpServer } from '../platform/http/index.ts';
import { type WatchCallersOptions, watchCallers } from './watch-callers.ts';

test('the turns of a disabled user end, also when it could not be told at first that the user is', async () => {
  const userId = newId();
  const listeners: ((userId: string | undefined) => void)[] = [];
  const answers = [() => Promise.reject(new Error('the database is away')), async () => ({ isDisabled: true })];
  const ended: string[] = [];
  const options = {
    callers: {
      onChange: (listener: (id: string | undefined) => void) => listeners.push(listener),
      get: () => answers.shift()?.(),
    },
    authentication: {},
    turns: {
      users: new Set([userId]),
      endTurnsOf: (id: string, { code }: { code: string }) => ended.push(`${id} ${code}`),
    },
  };
  watchCallers(
    { lifecycle: { streams: new Set() } } as unknown as HttpServer,
    options as unknown as WatchCallersOptions,
  );
  for (const tell of listeners) tell(userId);
  await expect.poll(() => ended, { timeout: 10_000 }).toEqual([`${userId} auth.user_disabled`]);
});
