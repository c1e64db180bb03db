import type { IncomingMessage } from 'node:http';
import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { WebSocket } from 'ws';
import { httpErrors } from './errors.ts';
import { findHandshakeFault, WEB_SOCKET_VERSION } from './find-handshake-fault.ts';
import { closeCodes, OpenWebSocket } from './open-web-socket.ts';
import { PingRounds } from './ping-rounds.ts';
import type { RequestContext } from './request-context.ts';

/** The largest frame that is read, in bytes: as a body. */
const MAX_FRAME_BYTES = 1024 * 1024;

/** Says how large a frame may be where ws, by itself, closes with the number alone. */
class BoundedWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, code === closeCodes.tooLarge ? `A frame may have at most ${MAX_FRAME_BYTES} bytes.` : reason);
  }
}

/** How long a client has to answer our closing, in milliseconds; then it is cut. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What a server needs to know for WebSockets. */
export interface WebSocketOptions {
  /** The origins whose pages may open one, exactly as browsers send them; the server's own may always. */
  readonly corsOrigins: readonly string[];
}

/** A route that takes WebSockets. */
export interface WebSocketRoute {
  readonly schema: FastifySchema;
  /** Called before the client is told that it is connected. @throws AppError to refuse it, as for any request. */
  admit(request: FastifyRequest): Promise<void>;
  /** Called when it is open; it sets `socket.user`. */
  open(socket: OpenWebSocket, request: FastifyRequest): void;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Adds a route that takes WebSockets. It is `public`: `admit`, or whoever reads the frames, finds out who is there. */
    addWebSocketRoute(url: string, route: WebSocketRoute): void;
  }
}

/** A page of another origin may open a WebSocket to any server, CORS or not: the browser only says which page it is. */
function refuseForeignOrigin({ headers }: FastifyRequest, origins: readonly string[]): void {
  const { origin, host } = headers;
  if (origin === undefined || origins.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw httpErrors.raise.origin_not_allowed({ param: 'origin' });
}

function refuseBadHandshake({ headers }: FastifyRequest, reply: FastifyReply): void {
  const fault = findHandshakeFault(headers);
  if (fault === undefined) return;
  reply.header('sec-websocket-version', WEB_SOCKET_VERSION);
  throw fault;
}

async function refuseOthers(_request: FastifyRequest, reply: FastifyReply): Promise<never> {
  reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
  throw httpErrors.raise.upgrade_required();
}

/** Requests that become WebSockets: the package ws writes the answer to them. */
const opening = new WeakMap<IncomingMessage, FastifyRequest>();

/** Gives the answer that opens a WebSocket the headers that every answer has. */
function addHandshakeHeaders(headers: string[], raw: IncomingMessage): void {
  const request = opening.get(raw);
  if (request === undefined) return;
  opening.delete(raw);
  const context = request.context as RequestContext;
  headers.push(`x-request-id: ${request.id}`, `server-timing: ${context.serverTiming()}`);
}

/** Has a server take WebSockets, on routes that are added with `addWebSocketRoute`. */
export function acceptWebSockets(server: FastifyInstance, { corsOrigins }: WebSocketOptions): void {
  const { lifecycle } = server;
  const rounds = new PingRounds();
  const limits = { maxPayload: MAX_FRAME_BYTES, closeTimeout: CLOSE_TIMEOUT_MS };
  // The plug-in's types want the whole package in place of a class.
  const sockets = { WebSocket: BoundedWebSocket as never };
  const settings: websocket.WebsocketPluginOptions = {
    options: { ...limits, ...sockets, perMessageDeflate: false, clientTracking: false },
    // A frame against the protocol: the connection is being closed with the number that tells why.
    errorHandler: () => {},
    // The drain closes them.
    preClose: (done) => done(),
  };
  // Called, not registered: a registered plug-in starts later, and would not see routes that are added before that.
  websocket(server, settings, () => {});
  server.websocketServer.on('headers', addHandshakeHeaders);

  server.decorate('addWebSocketRoute', (url: string, route: WebSocketRoute) => {
    lifecycle.webSocketPaths.add(url);
    server.route({
      method: 'GET',
      url,
      config: { access: 'public' },
      schema: route.schema,
      preHandler: async (request, reply) => {
        if (!request.ws) return;
        refuseBadHandshake(request, reply);
        refuseForeignOrigin(request, corsOrigins);
        if (lifecycle.draining) throw httpErrors.raise.shutting_down();
        await route.admit(request);
        opening.set(request.raw, request);
      },
      handler: refuseOthers,
      wsHandler: (webSocket, request) => {
        request.context.deadline.end();
        const socket = new OpenWebSocket(webSocket);
        const stopPinging = rounds.add(socket);
        lifecycle.sockets.add(socket);
        webSocket.once('close', () => {
          stopPinging();
          lifecycle.sockets.delete(socket);
        });
        route.open(socket, request);
        if (lifecycle.draining) socket.leave();
      },
    });
  });
}
