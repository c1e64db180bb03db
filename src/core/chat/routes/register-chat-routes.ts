import type { HttpServer } from '../../../platform/http/index.ts';
import { registerBatchReadRoute } from './batch-read.ts';
import { registerCompletionRoutes } from './completions.ts';
import { registerConversationRoutes } from './conversations.ts';
import { registerMessageRoutes } from './messages.ts';
import type { ChatRouteOptions } from './options.ts';
import { registerSessionRoutes } from './sessions.ts';
import { registerTurnRoutes } from './turns.ts';
import { registerWebSocketRoute, type WebSocketRouteOptions } from './web-socket.ts';

/** Registers every route of chat. */
export function registerChatRoutes(server: HttpServer, options: ChatRouteOptions & WebSocketRouteOptions): void {
  registerSessionRoutes(server, options);
  registerMessageRoutes(server, options);
  registerBatchReadRoute(server, options);
  registerTurnRoutes(server, options);
  registerConversationRoutes(server, options);
  registerCompletionRoutes(server, options);
  registerWebSocketRoute(server, options);
}
