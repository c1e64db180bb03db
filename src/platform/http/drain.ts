import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { closePort } from './close-port.ts';
import { httpErrors } from './errors.ts';
import type { Lifecycle } from './lifecycle.ts';

/** How long new connections stay welcome after readiness turned, in milliseconds: long enough for a probe to see it. */
const NOTICE_MS = 1000;

/**
 * How long connections stay open on which nothing is in flight, after the port closed, in milliseconds. A client that was just
 * connecting, or has not been told to close, may still send a request. Proxies must close theirs sooner.
 */
const QUIET_MS = 1000;

/** Times are counted in looks, not read off the clock: what came in while the process stood still is seen before they are over. */
const LOOK_EVERY_MS = 50;

/** After the bound, time for errors to be written, in milliseconds; then what is left is cut. */
const CUT_AFTER_MS = 2000;

export interface DrainOptions {
  /** How long requests and streams may take to finish, in milliseconds, before they are answered with an error. */
  readonly timeoutMs: number;
}

async function hasConnections(server: FastifyInstance): Promise<boolean> {
  return new Promise((resolve) => server.server.getConnections((_error, count) => resolve(count > 0)));
}

/**
 * Leaves the port open while probes learn that the server stops; ends at once when there are no connections. Those are not told
 * to close yet: who has one to use does not connect, and the fewer connect, the fewer can do so just when the port closes.
 */
async function giveNotice(server: FastifyInstance, noticeMs: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < noticeMs && (await hasConnections(server)); waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS);
  }
}

/** Resolves when nothing is in flight, and no connection is left or none has had a request in flight for a while. */
async function whenQuiet(server: FastifyInstance, forMs: number): Promise<void> {
  const { lifecycle } = server;
  const isBusy = (): boolean => lifecycle.inFlight.size > 0;
  for (let quietMs = 0; isBusy() || (quietMs < forMs && (await hasConnections(server))); ) {
    await sleep(LOOK_EVERY_MS);
    quietMs = isBusy() ? 0 : quietMs + LOOK_EVERY_MS;
  }
}

/** Tells everyone who is still waiting that the server stops. */
function interrupt(lifecycle: Lifecycle): void {
  for (const stream of [...lifecycle.streams, ...lifecycle.sockets]) stream.fail(httpErrors.raise.shutting_down());
  for (const request of lifecycle.inFlight) request.deadline.cancel(httpErrors.raise.shutting_down());
}

/** Ends every connection, whatever its client does. */
function cutAll({ server, lifecycle }: FastifyInstance): void {
  server.closeAllConnections();
  for (const socket of lifecycle.sockets) socket.cut();
}

async function stop(server: FastifyInstance, { timeoutMs }: DrainOptions): Promise<void> {
  const { lifecycle } = server;
  lifecycle.draining = true;
  const bound = setTimeout(() => interrupt(lifecycle), timeoutMs);
  const cut = setTimeout(() => cutAll(server), timeoutMs + CUT_AFTER_MS);
  try {
    await giveNotice(server, Math.min(NOTICE_MS, timeoutMs));
    const { connectionsEnded } = await closePort(server.server);
    lifecycle.isPortClosed = true;
    for (const socket of lifecycle.sockets) socket.leave();
    await whenQuiet(server, Math.min(QUIET_MS, timeoutMs));
    const closed = server.close();
    // What is left had its answer before it could be told to close, or never sent a whole request's headers.
    server.server.closeAllConnections();
    await Promise.all([closed, connectionsEnded]);
  } finally {
    clearTimeout(bound);
    clearTimeout(cut);
  }
}

/**
 * Stops a server without losing a request. Readiness turns to 503 first, and a second later the port closes. WebSockets on which
 * nothing is under way are closed; what is in flight, or still comes in on connections there are, is answered, the last on
 * each with `connection: close`. At the bound, streams and WebSockets end with the error `http.shutting_down` and requests are cancelled
 * and answered with it. A second call joins the first.
 */
export function drain(server: FastifyInstance, options: DrainOptions): Promise<void> {
  const { lifecycle } = server;
  lifecycle.drained ??= stop(server, options);
  return lifecycle.drained;
}
