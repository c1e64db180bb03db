import { Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** In a turn of the event loop that took less, in milliseconds, hardly a connection can have come in after the look for one. */
const QUIET_TURN_MS = 0.2;

/** How long to look for such a turn, in milliseconds, before the port is closed anyway. */
const LOOK_FOR_MS = 500;

/** Resolves right after a turn of the event loop that looked for connections, found none, and did next to nothing else. */
async function whenNobodyConnects(server: Server): Promise<void> {
  let connections = 0;
  const count = (): void => {
    connections += 1;
  };
  server.on('connection', count);
  // The rest of a turn that has looked already does not count.
  await nextTurn();
  const giveUpAtMs = performance.now() + LOOK_FOR_MS;
  for (let isQuiet = false; !isQuiet && performance.now() < giveUpAtMs; ) {
    const startedAtMs = performance.now();
    const before = connections;
    await nextTurn();
    isQuiet = connections === before && performance.now() - startedAtMs < QUIET_TURN_MS;
  }
  server.off('connection', count);
}

/**
 * Closes the port in a moment in which nobody is connecting. Resolves when it is closed, at the latest half a second on;
 * `connectionsEnded` resolves when every connection has ended too. The kernel takes connections, and first requests on them,
 * before the process does; whichever the process has not taken when the port closes are reset, and a proxy cannot know whether
 * such a request was done.
 */
export async function closePort(server: Server): Promise<{ connectionsEnded: Promise<void> }> {
  await whenNobodyConnects(server);
  // The one of HTTP closes idle connections first, which takes longer than the moment lasts.
  const connectionsEnded = new Promise<void>((resolve) => Server.prototype.close.call(server, () => resolve()));
  return { connectionsEnded };
}
