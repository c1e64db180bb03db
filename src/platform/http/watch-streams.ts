import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../base/errors.ts';
import { Later } from '../../base/later.ts';
import type { OpenStream } from './lifecycle.ts';

/** Rejects with a 401 or 403 when the request would be refused by now. */
export type CheckStream = (request: FastifyRequest) => Promise<unknown>;

/**
 * Ends the open streams whose request would be refused by now, each with the error that says why. Where that cannot be told,
 * a stream goes on, and is looked at again.
 *
 * @returns what to call when callers have changed, with whether a request is of one of those. Requests that are on their way
 *   then, of whomever, are looked at again before their handler runs and when they become streams.
 */
export function watchStreams(
  { lifecycle }: Pick<FastifyInstance, 'lifecycle'>,
  check: CheckStream,
): (isConcerned: (request: FastifyRequest) => boolean) => void {
  const recheck = (stream: OpenStream): void => {
    check(stream.request).catch((error: unknown) => {
      if (error instanceof AppError && (error.status === 401 || error.status === 403)) stream.fail(error);
      else later.add(stream);
    });
  };
  const later = new Later<OpenStream>((stream) => {
    if (lifecycle.streams.has(stream)) recheck(stream);
  });
  lifecycle.recheck = recheck;
  return (isConcerned) => {
    lifecycle.callerChanges++;
    for (const stream of lifecycle.streams) if (isConcerned(stream.request)) recheck(stream);
  };
}
