import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../base/errors.ts';
import { httpErrors } from './errors.ts';
import { RequestContext } from './request-context.ts';
import { closesEarly, sendBeforeBodyEnds } from './send-before-body-ends.ts';
import { retryHeaders, toAppError, toWireError } from './wire-error.ts';

/** The methods that routes have; what `Allow` can list. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What to answer; of a request whose deadline is over, that, whatever else its handler ran into because of it. */
function errorOf(thrown: unknown, request: FastifyRequest): AppError {
  if (thrown instanceof AppError) return thrown;
  const { context, server, routeOptions } = request;
  const cause = context?.deadline.reason ?? server.lifecycle.explain(thrown, request);
  if ((cause as { code?: unknown } | undefined)?.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return toAppError(cause);
  return httpErrors.raise.body_too_large({ most: `${routeOptions.bodyLimit} bytes` }, { cause });
}

/** Answers an error in OpenAI's shape, and keeps it for the log line. */
function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): AppError {
  const error = errorOf(thrown, request);
  if (request.context instanceof RequestContext) request.context.failure = error;
  const body = JSON.stringify({ error: toWireError(error) });
  reply.removeHeader('etag');
  reply.code(error.status).headers({
    ...retryHeaders(error),
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
  });
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  // Fastify closes the connection after a body that it could not use; the next request can as well come on it.
  if (reply.getHeader('connection') === 'close') reply.removeHeader('connection');
  // A client that is as slow as that would hold its connection for nothing.
  if (error.code === 'http.request_timeout') reply.header('connection', 'close').send(body);
  else if (closesEarly(request, reply)) sendBeforeBodyEnds(body, request, reply);
  else reply.send(body);
  return error;
}

/** What is wrong with the paths of requests that could not be routed. */
const unroutable = new WeakMap<IncomingMessage, AppError>();

/** The error of a request to an address that cannot be, that there is nothing at, or nothing for its method; then with `Allow`. */
export function unknownAddress(request: FastifyRequest, reply: FastifyReply): AppError {
  const fault = unroutable.get(request.raw);
  if (fault !== undefined) return fault;
  const path = (request.raw.url ?? '/').split('?', 1)[0] as string;
  const allowed = METHODS.filter((method) => request.server.findRoute({ method, url: path }) !== null);
  // A route that takes the method, and found nothing itself, is one of files.
  const isKnown = allowed.length > 0 && !(allowed as string[]).includes(request.method);
  if (!isKnown) return httpErrors.raise.not_found();
  reply.header('allow', allowed.join(', '));
  return httpErrors.raise.method_not_allowed();
}

/** Makes every error of a server's requests an answer in OpenAI's shape. */
export function answerErrors(server: FastifyInstance): void {
  server.setErrorHandler((thrown, request, reply) => {
    answerError(thrown, request, reply);
  });
  server.setNotFoundHandler((request, reply) => {
    throw unknownAddress(request, reply);
  });
}

/**
 * Has a request whose path Fastify cannot even route go the way of all that ask for nothing there is, with all that is done for
 * those: CORS, the line in the log. It is refused for its path.
 */
export function refuseUnroutable(thrown: unknown, { raw, server }: FastifyRequest, reply: FastifyReply): void {
  unroutable.set(raw, toAppError(thrown));
  // A preflight is answered for it, and nothing else there is has it.
  raw.url = '*';
  server.routing(raw, reply.raw);
}
