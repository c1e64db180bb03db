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

/** A socket of a client who is known, and what is asked for it. */
function signedIn(identified: Promise<void>) {
  const asked = { identities: 0, stops: 0 };
  const identify = async () => {
    asked.identities++;
    await identified;
    return { userId: newId(), permissions: ['chat:write'] };
  };
  const stop = async () => {
    asked.stops++;
    return { session_id: newId(), id: newId() };
  };
  const options = {
    authentication: { identify, authorize: () => undefined },
    limits: { count: () => undefined },
    turns: { stop },
    sockets: { add: () => undefined, delete: () => undefined },
    log: createLogger({ level: 'silent' }),
    requestBudgetMs: 60_000,
  };
  const connection = { isOpen: true, send: async () => undefined, closeWhenIdle: () => undefined };
  const socket = new ChatSocket(connection as never, '192.0.2.1', options as unknown as ChatSocketOptions);
  socket.begin({ secret: 'ek_key', userId: newId() });
  return { socket, connection, asked };
}

test('of the frames of a client who has left, none is begun', async () => {
  const identified = Promise.withResolvers<void>();
  const { socket, connection, asked } = signedIn(identified.promise);
  for (let frame = 0; frame < 2; frame++)
    socket.onFrame(Buffer.from(JSON.stringify({ type: 'stop', turn_id: newId() })));
  connection.isOpen = false;
  socket.onClosed();
  identified.resolve();
  await expect.poll(() => socket.isBusy).toBe(false);
  expect(asked.stops).toBe(1);
});

test('who has left is not looked up again when something is to be looked at later', async () => {
  const { socket, connection, asked } = signedIn(Promise.resolve());
  connection.isOpen = false;
  await socket.recheck();
  expect(asked.identities).toBe(0);
});
