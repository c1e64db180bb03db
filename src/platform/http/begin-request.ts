import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Cancelled, DeadlineExceeded } from '../../base/deadline.ts';
import type { StartTrace } from '../../base/span.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import type { Logger } from '../log/index.ts';
import { asksForWebSocket } from './asks-for-web-socket.ts';
import { httpErrors } from './errors.ts';
import { STALLED_MS } from './event-stream.ts';
import { type Answer, RequestContext } from './request-context.ts';
import { logRequest, type RequestObservation } from './request-log.ts';

/**
 * How long after its deadline a request may still answer for itself, in milliseconds. Less would talk over handlers that
 * are just telling what was cancelled; more would break the promise that no request outlives its budget by 250 ms.
 */
const LAST_WORD_MS = 200;

/** What the beginning of a request needs to know of its server. */
export interface BeginOptions {
  readonly log: Logger;
  /** The time budget of routes that set none of their own, in milliseconds. */
  readonly requestBudgetMs: number;
  /** The machine's own when absent. */
  readonly clock?: Clock;
  /** Told of each request when it is done, for metrics. */
  readonly observe?: (observation: RequestObservation) => void;
  /** Begins the trace of a request; absent where nobody traces. */
  readonly startTrace?: StartTrace | undefined;
}

/** Has nobody wait for the rest of a body, who would answer the request as well; as Fastify does with one that is too large. */
function dropRestOfBody({ raw }: FastifyRequest): void {
  for (const event of ['data', 'end', 'error']) raw.removeAllListeners(event);
}

function cutWhenStalled({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply): void {
  socket.setTimeout(STALLED_MS);
  // The next one on the connection may take longer. First, for then Node sets the time for which a connection may be idle.
  raw.prependOnceListener('finish', () => socket.setTimeout(0));
}

/**
 * Answers for a handler that does not, once its deadline is over. From then on a client that takes nothing of an answer that it
 * has begun to get counts as gone after a while: it would keep the answer in memory, and its connection, for as long as it likes.
 */
function answerWhenOverdue(request: FastifyRequest, reply: FastifyReply): NodeJS.Timeout {
  const answer = (): void => {
    // An answer that has begun ends by its source, which was given the same deadline, or by its reader. At its first look Node
    // takes what is queued for news: who reads nothing has up to twice the time.
    if (reply.raw.headersSent) cutWhenStalled(request, reply);
    if (reply.sent || reply.raw.headersSent || reply.raw.destroyed) return;
    const { reason } = request.context.deadline;
    const isStillArriving = reason instanceof DeadlineExceeded && !request.raw.complete && !request.raw.destroyed;
    if (!request.raw.readableEnded) dropRestOfBody(request);
    reply.send(isStillArriving && request.raw.readableFlowing ? httpErrors.raise.request_timeout() : reason);
  };
  return setTimeout(answer, LAST_WORD_MS).unref();
}

function readTraceparent({ headers }: FastifyRequest): string | undefined {
  return typeof headers.traceparent === 'string' ? headers.traceparent : undefined;
}

function endTrace({ trace }: RequestContext, { method, route, status, isFailed }: RequestObservation): void {
  trace?.end({
    name: `${method} ${route}`,
    isFailed,
    attributes: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status },
  });
}

/**
 * Begins every request: its id, its context and deadline; and ends it when the answer is finished or the client gone:
 * then the deadline is cancelled, so that nothing is done for nobody, and the log line written.
 */
export function beginRequests(server: FastifyInstance, options: BeginOptions): void {
  const { log, requestBudgetMs, clock = systemClock, observe, startTrace } = options;
  server.decorateRequest('context');
  // `caller` is the business of whoever authenticates; declared here so that every request has the same shape.
  server.decorateRequest('caller');

  server.addHook('onRequest', (request, reply, done) => {
    const { lifecycle } = request.server;
    const context = new RequestContext(request, requestBudgetMs, clock);
    context.callerChanges = lifecycle.callerChanges;
    context.trace = startTrace?.(request.method, readTraceparent(request));
    (request as unknown as { context: RequestContext }).context = context;
    (reply.raw as Answer).context = context;
    reply.header('x-request-id', request.id);
    // A socket that becomes a WebSocket lives on after the request; whoever runs it ends it.
    if (!asksForWebSocket(request, lifecycle.webSocketPaths)) lifecycle.inFlight.add(context);

    let overdue: NodeJS.Timeout | undefined;
    const onEnded = (): void => {
      overdue = answerWhenOverdue(request, reply);
    };
    context.deadline.onEnded(onEnded);

    reply.raw.on('finish', () => {
      context.isAnswered = true;
    });
    reply.raw.on('close', () => {
      context.deadline.offEnded(onEnded);
      clearTimeout(overdue);
      if (context.isAnswered) context.deadline.end();
      else context.deadline.cancel(new Cancelled('the client has gone'));
      lifecycle.inFlight.delete(context);
      const observation = logRequest(log, request, reply);
      observe?.(observation);
      endTrace(context, observation);
    });
    done();
  });
}
