import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../base/errors.ts';

/** Which streams to look at, and how. */
export interface StreamCheck {
  isConcerned(request: FastifyRequest): boolean;
  /** Rejects with a 401 or 403 when the request would be refused by now. */
  check(request: FastifyRequest): Promise<unknown>;
}

/**
 * Ends the event streams whose request would be refused by now, each with the error that says why. Where that cannot be
 * told, a stream goes on.
 */
export function recheckStreams(
  { lifecycle }: Pick<FastifyInstance, 'lifecycle'>,
  { isConcerned, check }: StreamCheck,
): void {
  for (const stream of lifecycle.streams) {
    if (!isConcerned(stream.request)) continue;
    check(stream.request).catch((error: unknown) => {
      if (error instanceof AppError && (error.status === 401 || error.status === 403)) stream.fail(error);
    });
  }
}
