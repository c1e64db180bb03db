import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../base/errors.ts';
import type { Logger } from '../log/index.ts';
import { securityHeaders } from './answer-headers.ts';
import { httpErrors } from './errors.ts';
import { RequestContext } from './request-context.ts';
import { retryHeaders, toAppError, toWireError } from './wire-error.ts';

/** The methods that routes have; what `Allow` can list. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Told of a request whose deadline is over, whatever else its handler ran into because of that. */
function errorOf(thrown: unknown, request: FastifyRequest): AppError {
  if (thrown instanceof AppError) return thrown;
  const reason = request.context?.deadline.reason;
  return toAppError(reason ?? request.server.lifecycle.explain(thrown, request));
}

/** Answers an error in OpenAI's shape, and keeps it for the log line. */
function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): AppError {
  const error = errorOf(thrown, request);
  if (request.context instanceof RequestContext) request.context.failure = error;
  // Fastify closes the connection after a body that it could not use. A client that is still sending would then see a
  // reset instead of this answer; so the rest is read and dropped, for as long as a request may take to arrive.
  // One that is as slow as that would hold its connection for nothing.
  if (error.code === 'http.request_timeout') reply.header('connection', 'close');
  else reply.removeHeader('connection');
  reply.removeHeader('etag');
  reply
    .code(error.status)
    .headers({ ...retryHeaders(error), 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' })
    .send(JSON.stringify({ error: toWireError(error) }));
  return error;
}

function refuseUnknown(request: FastifyRequest, reply: FastifyReply): never {
  const path = (request.raw.url ?? '/').split('?', 1)[0] as string;
  const allowed = METHODS.filter((method) => request.server.findRoute({ method, url: path }) !== null);
  if (allowed.length === 0) throw httpErrors.raise.not_found();
  reply.header('allow', allowed.join(', '));
  throw httpErrors.raise.method_not_allowed();
}

/** Makes every error of a server's requests an answer in OpenAI's shape. */
export function answerErrors(server: FastifyInstance): void {
  server.setErrorHandler((thrown, request, reply) => {
    answerError(thrown, request, reply);
  });
  server.setNotFoundHandler(refuseUnknown);
}

/**
 * Makes what answers a request whose path Fastify cannot even route: no hook has run and none will, so all that they do
 * for an answer is done here.
 */
export function createUnroutableAnswer(
  log: Logger,
): (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  const headers = securityHeaders();
  return (thrown, request, reply) => {
    reply.headers({ ...headers, 'x-request-id': request.id, 'server-timing': 'total;dur=0' });
    const { code, status } = answerError(thrown, request, reply);
    log.info({ request_id: request.id, method: request.method, route: 'none', status, code }, 'request');
  };
}
