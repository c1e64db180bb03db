import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../base/errors.ts';
import { Later } from '../../base/later.ts';
import type { LongAnswer } from './lifecycle.ts';

/** Rejects with a 401 or 403 when the request would be refused by now. */
export type CheckRequest = (request: FastifyRequest) => Promise<unknown>;

/**
 * Ends the answers that take long and whose request would be refused by now, each with the error that says why. Where that
 * cannot be told, an answer goes on, and is looked at again.
 *
 * @returns what to call when callers have changed, with whether a request is of one of those. Requests that are on their way
 *   then, of whomever, are looked at again before their handler runs and when they begin to take long.
 */
export function watchAnswers(
  { lifecycle }: Pick<FastifyInstance, 'lifecycle'>,
  check: CheckRequest,
): (isConcerned: (request: FastifyRequest) => boolean) => void {
  const { streams, awaited } = lifecycle;
  const recheck = (answer: LongAnswer): void => {
    check(answer.request).catch((error: unknown) => {
      if (error instanceof AppError && (error.status === 401 || error.status === 403)) answer.fail(error);
      else later.add(answer);
    });
  };
  const later = new Later<LongAnswer>((answer) => {
    if (streams.has(answer) || awaited.has(answer)) recheck(answer);
  });
  lifecycle.recheck = recheck;
  return (isConcerned) => {
    lifecycle.callerChanges++;
    for (const answer of [...streams, ...awaited]) if (isConcerned(answer.request)) recheck(answer);
  };
}
