import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Bench } from '../frame/bench.ts';
import { atMost } from '../frame/measurement.ts';
import { credential, type User } from '../stage/users.ts';

const SOCKETS = 10_000;
/** So that the memory of callers, which has a bench of its own, is not measured again. */
const USERS = 100;
/** Sockets before the first look, so that what a server needs for its first is not held against the others. */
const WARM_UP_SOCKETS = 200;
const AT_ONCE = 50;
const KILOBYTE = 1_000;

async function open(port: number, user: User): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/chat/ws`, {
    headers: credential(user),
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  return socket;
}

async function openMany(port: number, users: readonly User[], count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const next = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, (_, index) =>
      open(port, users[index % users.length] as User),
    );
    sockets.push(...(await Promise.all(next)));
  }
  return sockets;
}

/** What the process holds more, after a full collection, for each signed-in WebSocket on which nothing happens. */
export const websockets: Bench = {
  name: 'websockets',
  async measure(stage) {
    const users = await stage.users(USERS);
    await using ours = await stage.startProduct();
    const sockets = await openMany(ours.port, users, WARM_UP_SOCKETS);
    const before = await ours.readMemory();
    sockets.push(...(await openMany(ours.port, users, SOCKETS)));
    const after = await ours.readMemory();
    const stillOpen = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    for (const socket of sockets) socket.terminate();
    return [
      {
        name: 'memory of an idle signed-in WebSocket, of 10,000',
        unit: 'kB',
        ours: [(after.usedBytes - before.usedBytes) / SOCKETS / KILOBYTE],
        bound: atMost(15),
        note: `${stillOpen} open; the process held ${Math.round(after.peakResidentBytes / 1e6)} MB at most`,
      },
    ];
  },
};
