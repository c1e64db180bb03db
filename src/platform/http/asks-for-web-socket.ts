import type { IncomingHttpHeaders } from 'node:http';

/** The head of a request, Node's or Fastify's. */
interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Whether a request is to become a WebSocket: it asks for one at a path that takes them. Clients offer other protocols too,
 * as HTTP/2, and WebSockets anywhere: those are served without.
 */
export function asksForWebSocket({ method, url = '', headers }: RequestHead, paths: ReadonlySet<string>): boolean {
  if (headers.upgrade?.toLowerCase() !== 'websocket' || method !== 'GET') return false;
  return paths.has(url.split('?', 1)[0] as string);
}
