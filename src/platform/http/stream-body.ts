import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { LongAnswer } from './lifecycle.ts';
import type { RequestContext } from './request-context.ts';
import { toAppError } from './wire-error.ts';

/**
 * The body of an answer that is sent while its pieces are made, at the pace of its reader: for the route to send. It is cut in
 * the middle when a piece fails, at the end of the request's deadline, however slow the reader is, and when the caller may no
 * longer call. What it was cut for is told in the log as what the request ended in; the reader only sees that the end is missing.
 * What fails before anything was sent is answered as for any other request.
 *
 * @param pieces Stops when the request's deadline ends. For HEAD, none is asked for.
 */
export function streamBody(request: FastifyRequest, pieces: AsyncIterable<string>): Readable {
  // Fastify would read it to its end, with nobody to send it to and nothing to stop it.
  if (request.method === 'HEAD') return Readable.from([]);
  const { lifecycle } = request.server;
  const context = request.context as RequestContext;
  const { deadline } = context;
  // Read ahead by bytes: by pieces, it would be sixteen of them, however long.
  const body = Readable.from(pieces, { objectMode: false });
  const cut = (reason: Error): void => void body.destroy(toAppError(reason));
  // What makes the pieces has to end first, or the body would wait for it.
  const stream: LongAnswer = { request, fail: (thrown) => deadline.cancel(toAppError(thrown)) };
  body.once('error', (error) => {
    context.failure = toAppError(error);
  });
  body.once('close', () => lifecycle.streams.delete(stream));
  deadline.onEnded(cut);
  lifecycle.watch(stream, lifecycle.streams);
  return body;
}
