import type { FastifyRequest } from 'fastify';
import type { LongAnswer } from './lifecycle.ts';
import { toAppError } from './wire-error.ts';

/**
 * Waits for an answer that takes long and is sent when it is whole. When its caller may no longer call meanwhile, the
 * request's deadline is cancelled with the error that says so, which `make` is to reject with as with any end of the deadline.
 * @throws what `make` does.
 */
export async function awaitAnswer<Answer>(request: FastifyRequest, make: () => Promise<Answer>): Promise<Answer> {
  const { lifecycle } = request.server;
  const { deadline } = request.context;
  const answer: LongAnswer = { request, fail: (thrown) => deadline.cancel(toAppError(thrown)) };
  lifecycle.watch(answer, lifecycle.awaited);
  try {
    return await make();
  } finally {
    lifecycle.awaited.delete(answer);
  }
}
