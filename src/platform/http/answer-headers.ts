import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { isLastAnswer } from './queue-pipelined.ts';
import type { RequestContext } from './request-context.ts';

/**
 * Helmet's headers for a server of JSON: nothing that it answers may run, be framed or be sniffed. They are the same for
 * every answer, so Helmet is asked once; asking it per request costs more than routing and answering one.
 */
function securityHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => {},
  };
  const setHeaders = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    xFrameOptions: { action: 'deny' },
    // Who may read answers from another origin is what CORS decides.
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    // These guard HTML in old browsers and Flash; on answers of JSON they are only bytes and time.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  setHeaders({} as IncomingMessage, response as unknown as ServerResponse, () => {});
  return headers;
}

/** Says that the answer depends on this header of the request too. */
export function addVary(reply: FastifyReply, name: string): void {
  const vary = reply.getHeader('vary');
  reply.header('vary', vary === undefined ? name : `${vary}, ${name}`);
}

/** The headers that are known only when the answer is: where the time went, and who may keep it. */
export function addFinalHeaders(request: FastifyRequest, reply: FastifyReply): void {
  const context = request.context as RequestContext;
  reply.header('server-timing', context.serverTiming());
  if (isLastAnswer(request)) reply.header('connection', 'close');
  const isPublic = request.is404 || context.access === 'public';
  if (!isPublic) addVary(reply, 'Authorization');
  const mayBeKept = isPublic && (request.method === 'GET' || request.method === 'HEAD');
  if (!mayBeKept && !reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-store');
}

/** Gives every answer the headers that all have in common. */
export function addAnswerHeaders(server: FastifyInstance): void {
  const headers = securityHeaders();
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
  // biome-ignore lint/complexity/useMaxParams: Fastify tells a hook with a callback from one with a promise by these four.
  server.addHook('onSend', (request, reply, _payload, done) => {
    addFinalHeaders(request, reply);
    done();
  });
}
