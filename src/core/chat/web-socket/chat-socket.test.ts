import { expect, test } from 'vitest';
import { newId } from '../../../base/ids.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { ChatSocket, type ChatSocketOptions } from './chat-socket.ts';

test('a client that leaves while it is looked up who it is is not kept among the sockets of its user', async () => {
  const found = Promise.withResolvers<{ userId: string }>();
  const kept = new Set<unknown>();
  const options = {
    authentication: { identify: () => found.promise },
    sockets: {
      add: (_: string, socket: unknown) => kept.add(socket),
      delete: (_: string, socket: unknown) => kept.delete(socket),
    },
    log: createLogger({ level: 'silent' }),
    requestBudgetMs: 60_000,
  };
  const connection = { isOpen: true, send: async () => undefined, closeWhenIdle: () => undefined };
  const socket = new ChatSocket(connection as never, '192.0.2.1', options as unknown as ChatSocketOptions);
  socket.begin(undefined);
  socket.onFrame(Buffer.from(JSON.stringify({ type: 'auth', token: 'ek_key', client_id: 'a' })));
  expect(socket.isBusy).toBe(true);
  connection.isOpen = false;
  socket.onClosed();
  found.resolve({ userId: newId() });
  await expect.poll(() => socket.isBusy).toBe(false);
  expect(kept.size).toBe(0);
});
