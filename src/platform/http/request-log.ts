import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Logger, logOwn } from '../log/index.ts';
import { asksForWebSocket } from './asks-for-web-socket.ts';
import type { RequestContext } from './request-context.ts';

/** What is told of a request when it is done, for metrics. Holds nothing that the caller sent. */
export interface RequestObservation {
  readonly method: string;
  /** The route's pattern; `none` where there is none. */
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of the error that it ended in. */
  readonly code: string | undefined;
  /** Whether that was on our side, also where the answer had begun and its status says nothing of it. */
  readonly isFailed: boolean;
}

/** What the answer's status was, also of one that we cut off; 499 is nginx's number for a client that left before it. */
function statusOf(reply: FastifyReply, context: RequestContext): number {
  const { failure } = context;
  if (context.isRefused && failure !== undefined) return failure.status;
  const isCut = failure !== undefined && reply.raw.headersSent;
  if (context.isAnswered || isCut) return reply.statusCode;
  // A socket that was handed over to a WebSocket has no answer of its own.
  const { webSocketPaths } = reply.request.server.lifecycle;
  return reply.sent && !reply.raw.headersSent && asksForWebSocket(reply.request, webSocketPaths) ? 101 : 499;
}

/**
 * Writes the one log line of a request, when it is done. It holds the route's pattern, not the URL, and nothing of what
 * was sent or answered. What failed on our side is an error with its cause; all else is information. Answers what metrics
 * are to know of it.
 */
export function logRequest(log: Logger, request: FastifyRequest, reply: FastifyReply): RequestObservation {
  const context = request.context as RequestContext;
  const { failure, route } = context;
  const { method } = request;
  const status = statusOf(reply, context);
  const durationMs = context.totalMs();
  const { caller } = request as { caller?: { userId?: string } | null };
  const line = {
    request_id: context.requestId,
    method,
    route,
    status,
    total_ms: durationMs,
    timings: context.timings.rounded(),
    ...(caller?.userId === undefined ? {} : { user_id: caller.userId }),
    ...(failure === undefined ? {} : { code: failure.code }),
  };
  const level = failure !== undefined && failure.status >= 500 ? 'error' : 'info';
  // What a client can have chosen, and what went wrong underneath, are searched for what does not belong in a log.
  if (level === 'error' && failure?.cause !== undefined) log.error({ ...line, err: failure }, 'request');
  else if ('x-request-id' in request.headers) log[level](line, 'request');
  else logOwn(log, level, { ...line, msg: 'request' });
  return { method, route, status, durationMs, code: failure?.code, isFailed: (failure?.status ?? status) >= 500 };
}
