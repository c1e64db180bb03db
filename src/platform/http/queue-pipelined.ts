import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * How many requests may wait on a connection before it is read no further; those that came with the last of them wait too.
 * With headers and what Node reads of a body ahead, so many hold less than the body that one request may have.
 */
export const MOST_WAITING = 10;

/** How many requests wait on a connection. */
const waiting = new WeakMap<Socket, number>();

/** Whether the answer to a request is to be the last on its connection: the server is being stopped, and no other one waits. */
export function isLastAnswer({ raw, server }: FastifyRequest): boolean {
  return server.lifecycle.isPortClosed && !waiting.get(raw.socket);
}

function pauseWhenFull(socket: Socket): void {
  if ((waiting.get(socket) as number) >= MOST_WAITING) socket.pause();
}

/**
 * Has pipelined requests begin one after the other, each when the answer before its own has been handed over. Node begins
 * all that have come; answers that their client does not take would fill the memory.
 *
 * While a connection is not read, it is noticed only when an answer is written that its client has left.
 */
export function queuePipelined(server: FastifyInstance): void {
  server.addHook('onRequest', ({ raw: { socket } }, { raw: answer }, done) => {
    // Node gives the connection to one answer at a time.
    if (answer.socket !== null) return done();
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    // Not at once: Node reads on at the end of each request that it finds in what it has read.
    if (count >= MOST_WAITING) process.nextTick(pauseWhenFull, socket);
    answer.once('socket', () => {
      const left = (waiting.get(socket) as number) - 1;
      waiting.set(socket, left);
      if (left < MOST_WAITING) socket.resume();
      done();
    });
  });
}
