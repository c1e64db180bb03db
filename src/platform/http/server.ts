import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import type { AppError } from '../../base/errors.ts';
import { systemClock } from '../../base/time.ts';
import { createClientErrorAnswer, findDueAnswer, refuseConnect } from './answer-client-error.ts';
import { answerErrors, refuseUnroutable, unknownAddress } from './answer-errors.ts';
import { addAnswerHeaders } from './answer-headers.ts';
import { asksForWebSocket } from './asks-for-web-socket.ts';
import { type BeginOptions, beginRequests } from './begin-request.ts';
import { knowClientAddresses } from './client-address.ts';
import { compressAnswers } from './compress-answers.ts';
import { allowOrigins } from './cors.ts';
import { httpErrors } from './errors.ts';
import { EventLoopWatch } from './event-loop-watch.ts';
import { HeapWatch } from './heap-watch.ts';
import { acceptOnlyJson } from './json-body.ts';
import { Lifecycle } from './lifecycle.ts';
import { type OpenApiOptions, registerOpenApi } from './openapi.ts';
import { type CheckReadiness, registerProbeRoutes } from './probe-routes.ts';
import { queuePipelined } from './queue-pipelined.ts';
import { dropTypeOfEmptyBody, findMediaTypeFault, findRequestFault } from './request-checks.ts';
import { type RequestContext, requestIdOf } from './request-context.ts';
import { enforceRouteRules } from './route-rules.ts';
import { sendTogether } from './send-together.ts';
import { createSerializerCompiler } from './serializer.ts';
import { createValidatorCompiler } from './validation.ts';
import { acceptWebSockets, type WebSocketOptions } from './web-sockets.ts';

/** A Fastify server whose handlers' types are read from their TypeBox schemas. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What a server needs to know; `corsOrigins` are also those whose pages may call it. */
export interface HttpServerOptions extends BeginOptions, OpenApiOptions, WebSocketOptions {
  /** Addresses and networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  readonly bodyLimitBytes: number;
  /**
   * Called for each route that is not public, before the body is read. Sets `request.caller`, at once where it can.
   * @throws AppError 401 when the caller is unknown, 503 when that cannot be told.
   */
  readonly authenticate: (request: FastifyRequest) => Promise<void> | undefined;
  /**
   * Called next: counts the request, at once where it can, and may add headers to the answer, whatever that will be.
   * @throws AppError 429 when the caller is over a limit.
   */
  readonly limit: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined;
  /** Called next. @throws AppError 403 when the caller lacks the permission that the route takes. */
  readonly authorize: (request: FastifyRequest, permission: string) => void;
  readonly readiness: CheckReadiness;
}

/** Headers that take longer than this, in milliseconds, come from a client that is stuck or means harm. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The same for the whole request; a body of 1 MiB in this time needs 35 kB/s. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle time of common load balancers (60 s), so that they, and not we, close idle connections. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** How often slow clients are looked for. A look is cheap; a second is as exact as such bounds need to be. */
const CONNECTION_CHECK_MS = 1000;
const MAX_HEADER_BYTES = 16 * 1024;
/** Our longest path parameter is a UUID; this leaves room for names. */
const MAX_PARAM_CHARS = 200;

function createFastify(options: HttpServerOptions, { webSocketPaths }: Lifecycle): FastifyInstance {
  return fastify({
    loggerInstance: options.log as FastifyBaseLogger,
    // A child logger per request would cost more than the one line that is written for it.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    bodyLimit: options.bodyLimitBytes,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTION_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      // One that does not wait for the answer to the request before it is answered after that, as a plain request: Node gives
      // the socket away at once, which then could neither be answered on nor closed.
      shouldUpgradeCallback: (request) =>
        asksForWebSocket(request, webSocketPaths) && findDueAnswer(request.socket) === undefined,
      // Node's own refusal has no body, no request id and no line in the log.
      requireHostHeader: false,
      // A request without a body costs no stream; what asks that stream for its end waits for ever.
      optimizeEmptyRequests: true,
    },
    // Requests that arrive on open connections while the server closes are answered, as any other.
    return503OnClosing: false,
    frameworkErrors: refuseUnroutable,
    clientErrorHandler: createClientErrorAnswer(options.log),
  });
}

/** Has requests that expect what Node does not know refused by us: its own refusal is as bare as the one for a missing host. */
function passOnExpectations({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/** Made once: to refuse must cost little when there is much to refuse. */
const overloaded = httpErrors.raise.overloaded();

/**
 * Refuses requests that there is no time or no memory for, that are malformed, from nobody known, too many, or not allowed,
 * before their body is read. Time and memory are found for all that is public and read, as that tells how the server is.
 */
function guardRequests(server: FastifyInstance, options: HttpServerOptions): void {
  const { log, authenticate, limit, authorize, clock = systemClock } = options;
  const eventLoop = new EventLoopWatch(clock);
  const heap = new HeapWatch({ log, clock });
  server.addHook('onClose', async () => heap.close());
  const identify = (request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined => {
    const pending = authenticate(request);
    return pending === undefined ? limit(request, reply) : pending.then(() => limit(request, reply));
  };
  const admit = (request: FastifyRequest): AppError | undefined => {
    for (const permission of (request.context as RequestContext).permissions) authorize(request, permission);
    return findMediaTypeFault(request);
  };
  // With callbacks: a caller who is known at once costs no promise.
  const follow = (
    step: () => Promise<void> | undefined,
    next: () => AppError | undefined,
    done: (error?: Error) => void,
  ): void => {
    try {
      const pending = step();
      if (pending === undefined) done(next());
      else pending.then(next).then(done, done);
    } catch (error) {
      done(error as Error);
    }
  };
  server.addHook('onRequest', (request, reply, done) => {
    const { access } = request.context as RequestContext;
    const isVital = access === 'public' && (request.method === 'GET' || request.method === 'HEAD');
    if ((eventLoop.isLate() || heap.isFull()) && !isVital) return done(overloaded);
    dropTypeOfEmptyBody(request);
    const fault = findRequestFault(request);
    if (fault !== undefined) return done(fault);
    if (request.is404) return done(unknownAddress(request, reply));
    const identified = (): Promise<void> | undefined => (access === 'public' ? undefined : identify(request, reply));
    follow(identified, () => admit(request), done);
  });
  // The body may have been long on its way, and its sender be refused by now.
  server.addHook('preHandler', (request, _reply, done) => {
    const context = request.context as RequestContext;
    const { callerChanges } = request.server.lifecycle;
    if (context.callerChanges === callerChanges || context.access === 'public' || request.is404) return done();
    context.callerChanges = callerChanges;
    follow(
      () => authenticate(request),
      () => admit(request),
      done,
    );
  });
}

/**
 * Makes a server with everything that is the same for all routes: request ids, deadlines, errors in OpenAI's shape, strict
 * input, security headers, CORS, OpenAPI at `/openapi.json` and `/docs`, `/livez` and `/readyz`. It does not listen yet.
 *
 * A route says who may call it with `config: { access: 'public' | <permission> }`; one that does not is refused when it
 * is registered.
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const lifecycle = new Lifecycle();
  const server = createFastify(options, lifecycle);
  server.decorate('lifecycle', lifecycle);
  passOnExpectations(server);
  refuseConnect(server.server, options.log);
  server.setValidatorCompiler(createValidatorCompiler());
  server.setSerializerCompiler(createSerializerCompiler());
  knowClientAddresses(server, options.trustedProxies);
  acceptOnlyJson(server);
  enforceRouteRules(server);
  answerErrors(server);
  queuePipelined(server);
  beginRequests(server, options);
  addAnswerHeaders(server);
  allowOrigins(server, options.corsOrigins);
  acceptWebSockets(server, options);
  guardRequests(server, options);
  compressAnswers(server);
  sendTogether(server);
  registerOpenApi(server, options);
  registerProbeRoutes(server, options.readiness);
  return server.withTypeProvider<TypeBoxTypeProvider>();
}
