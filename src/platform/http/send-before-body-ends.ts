import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLastAnswer } from './queue-pipelined.ts';
import { RequestContext } from './request-context.ts';

/** Whether Node would close the connection after the answer with some of the request's body still to come. */
export function closesEarly(request: FastifyRequest, reply: FastifyReply): boolean {
  const { raw } = request;
  const isLast = !reply.raw.shouldKeepAlive || isLastAnswer(request);
  return isLast && !raw.readableEnded && !raw.destroyed;
}

async function* answerThenWait(answer: string, { raw, context }: FastifyRequest): AsyncGenerator<string> {
  yield answer;
  // Asked for more: it was written. A client may read it and go, without sending the rest.
  if (context instanceof RequestContext) context.isAnswered = true;
  await finished(raw.resume()).catch(() => {});
}

/**
 * Sends an answer at once, and ends it when the request's body has ended too, which is dropped, for as long as a request may
 * take to arrive. Node closes a connection when its last answer ends; closed while bytes come in, it is reset, and the
 * client loses what it has not read. Other answers need none of this: Node drops what is left of their bodies itself.
 */
export function sendBeforeBodyEnds(answer: string, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ connection: 'close', 'content-length': Buffer.byteLength(answer) });
  reply.send(Readable.from(answerThenWait(answer, request)));
}
