import { markReplay, readIdempotency, withoutBlindRetry } from '../../core/accounts/index.ts';
import type { AssistantContext } from '../../kit/index.ts';
import type { HttpServer } from '../../platform/http/index.ts';
import type { Occasion } from './create-contexts.ts';
import type { FoundAssistant } from './found-assistant.ts';

/** What a generated client calls a route: `todoListItems`. */
function operationIdOf(assistant: string, route: string): string {
  return `${assistant}${route.charAt(0).toUpperCase()}${route.slice(1)}`;
}

/** Registers an assistant's routes below `/api/<name>`. */
export function registerAssistantRoutes(
  http: HttpServer,
  { name, description: purpose, routes = [] }: FoundAssistant,
  createContext: (occasion: Occasion) => AssistantContext,
): void {
  http.describeTag(name, purpose);
  for (const route of routes) {
    const { method, path, summary, description, params, query, body, example, status = 200, answer } = route;
    http.route({
      method,
      url: `/api/${name}${path}`,
      config: { access: method === 'GET' ? 'chat:read' : 'chat:write' },
      schema: {
        ...{ tags: [name], operationId: operationIdOf(name, route.name), summary, response: { [status]: answer } },
        ...(description !== undefined && { description }),
        ...(params && { params }),
        ...(query && { querystring: query }),
        ...(body && { body: { ...body, examples: [example] } }),
      },
      async handler(request, reply) {
        const context = createContext({
          userId: request.caller.userId,
          plan: request.caller.plan,
          call: request.context,
          ...(method === 'POST' && { idempotency: readIdempotency(request) }),
          onReplay: () => markReplay(reply),
        });
        const given = { params: request.params, query: request.query, body: request.body };
        // Each part was checked against its schema.
        const run = () => route.run(given as never, context);
        const answered = await (method === 'POST' ? withoutBlindRetry({ request, reply }, run) : run());
        reply.code(status);
        return answered;
      },
    });
  }
}
