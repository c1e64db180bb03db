import type { HttpServer } from '../../../platform/http/index.ts';
import type { CallerCache } from '../../accounts/index.ts';
import { type Authentication, readCredential } from '../../keys/index.ts';
import { ChatSocket, type ChatSocketOptions } from '../web-socket/chat-socket.ts';
import { describeFrames } from '../web-socket/describe-frames.ts';
import { requireChat } from '../web-socket/require-chat.ts';
import { SocketsByUser } from '../web-socket/sockets-by-user.ts';

/** What the route of WebSockets needs. */
export interface WebSocketRouteOptions extends Omit<ChatSocketOptions, 'sockets' | 'authentication'> {
  readonly authentication: Authentication;
  /** Tells when a user has changed. */
  readonly callers: Pick<CallerCache, 'onChange'>;
}

/** Registers the route by which clients chat over one WebSocket. */
export function registerWebSocketRoute(server: HttpServer, options: WebSocketRouteOptions): void {
  server.describeTag('WebSocket', 'Chat in all of your sessions over one connection.');
  const { authentication, callers } = options;
  const sockets = new SocketsByUser();
  callers.onChange((userId) => sockets.recheck(userId));
  const parts = { ...options, sockets };

  server.addWebSocketRoute('/v1/chat/ws', {
    schema: {
      tags: ['WebSocket'],
      operationId: 'openWebSocket',
      summary: 'Chat over one WebSocket',
      description: describeFrames(),
      querystring: { type: 'object', properties: {}, additionalProperties: false },
    },
    admit: async (request) => {
      if (readCredential(request) === undefined) return;
      await authentication.authenticate(request);
      requireChat(request.caller);
    },
    open: (socket, request) => {
      const user = new ChatSocket(socket, request.ip, parts);
      socket.user = user;
      const secret = readCredential(request);
      user.begin(secret === undefined ? undefined : { secret, userId: request.caller.userId });
    },
  });
}
