import type { FastifyInstance } from 'fastify';

/**
 * As many requests wait on a connection at the most for those before them; what comes beyond is refused. More than clients send
 * ahead that do so, a few dozen at most; few enough that what a connection keeps waiting is some hundred kilobytes.
 */
export const MOST_WAITING = 100;

/**
 * Has requests that a client sends without waiting for answers begin one after the other, each when the answer before its own
 * has been handed over. Node begins all that have come; answers that their client does not take would fill the memory.
 *
 * One that goes on while its answer has no socket yet is one too many, and to be refused.
 */
export function takeInTurn(server: FastifyInstance): void {
  const waiting = new WeakMap<object, number>();
  server.addHook('onRequest', ({ raw: { socket } }, { raw: answer }, done) => {
    // Node gives the connection to one answer at a time.
    if (answer.socket !== null) return done();
    const ahead = waiting.get(socket) ?? 0;
    if (ahead === MOST_WAITING) return done();
    waiting.set(socket, ahead + 1);
    answer.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) as number) - 1);
      done();
    });
  });
}
