import { expect, test } from 'vitest';
import { newId } from '../../../base/ids.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { ChatSocket, type ChatSocketOptions } from './chat-socket.ts';
import { readFrame } from './frames.ts';

/** A socket of a client, where who it is and what it may do is told by `identify`; and what is asked for it. */
function connect(identify: () => Promise<{ userId: string }>) {
  const asked = { identities: 0, uses: 0, stops: 0 };
  const kept = new Set<unknown>();
  const options = {
    authentication: {
      identify(_secret: string, { isUse = true }: { isUse?: boolean }) {
        asked.identities++;
        if (isUse) asked.uses++;
        return identify();
      },
      authorize: () => undefined,
    },
    limits: { count: () => undefined },
    turns: {
      async stop() {
        asked.stops++;
        return { session_id: newId(), id: newId() };
      },
    },
    sockets: {
      add: (_: string, socket: unknown) => kept.add(socket),
      delete: (_: string, socket: unknown) => kept.delete(socket),
    },
    log: createLogger({ level: 'silent' }),
    requestBudgetMs: 60_000,
  };
  const connection = { isOpen: true, send: async () => undefined, closeWhenIdle: () => undefined };
  const socket = new ChatSocket(connection as never, '192.0.2.1', options as unknown as ChatSocketOptions);
  const send = (frame: object) => socket.onFrame(Buffer.from(JSON.stringify(frame)));
  const leave = () => {
    connection.isOpen = false;
    socket.onClosed();
  };
  return { socket, kept, asked, send, leave };
}

const someone = () => ({ userId: newId(), permissions: ['chat:write'] });

test('a client that leaves while it is looked up who it is is not kept among the sockets of its user', async () => {
  const found = Promise.withResolvers<{ userId: string }>();
  const { socket, kept, send, leave } = connect(() => found.promise);
  socket.begin(undefined);
  send({ type: 'auth', token: 'ek_key', client_id: 'a' });
  expect(socket.isBusy).toBe(true);
  leave();
  found.resolve(someone());
  await expect.poll(() => socket.isBusy).toBe(false);
  expect(kept.size).toBe(0);
});

test('a client is kept among the sockets of its user until it leaves', () => {
  const { socket, kept, leave } = connect(async () => someone());
  socket.begin({ secret: 'ek_key', userId: newId() });
  expect([...kept]).toEqual([socket]);
  leave();
  expect([...kept]).toEqual([]);
});

test('that it is looked up again who is calling is no use of a key', async () => {
  const { socket, asked } = connect(async () => someone());
  socket.begin({ secret: 'ek_key', userId: newId() });
  await socket.recheck();
  expect(asked).toMatchObject({ identities: 1, uses: 0 });
});

test('of the frames of a client who has left, none is begun', async () => {
  const found = Promise.withResolvers<{ userId: string }>();
  const { socket, asked, send, leave } = connect(() => found.promise);
  socket.begin({ secret: 'ek_key', userId: newId() });
  for (let frame = 0; frame < 2; frame++) send({ type: 'stop', turn_id: newId() });
  leave();
  found.resolve(someone());
  await expect.poll(() => socket.isBusy).toBe(false);
  expect(asked.stops).toBe(1);
});

test('who has left is not looked up again when something is to be looked at later', async () => {
  const { socket, asked, leave } = connect(async () => someone());
  socket.begin({ secret: 'ek_key', userId: newId() });
  leave();
  await socket.recheck();
  expect(asked.identities).toBe(0);
});

test('a frame has its ids read in either case', () => {
  const frame = { type: 'resume', turn_id: newId(), session_id: newId() };
  const capitals = { ...frame, turn_id: frame.turn_id.toUpperCase(), session_id: frame.session_id.toUpperCase() };
  expect(readFrame(Buffer.from(JSON.stringify(capitals)))).toEqual(frame);
});
