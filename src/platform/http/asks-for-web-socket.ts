import type { IncomingHttpHeaders } from 'node:http';

/** The head of a request, Node's or Fastify's. */
interface RequestHead {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Whether a request is to become a WebSocket. Clients offer other protocols too, as HTTP/2: those are served without. */
export function asksForWebSocket({ method, headers }: RequestHead): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && method === 'GET';
}
