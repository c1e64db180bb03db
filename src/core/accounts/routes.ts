import type { HttpServer } from '../../platform/http/index.ts';
import { Account } from './schemas.ts';

/** Registers `GET /v1/me`. */
export function registerAccountRoutes(server: HttpServer): void {
  server.get(
    '/v1/me',
    {
      config: { access: 'account:read' },
      schema: { tags: ['Account'], summary: 'Who you are', response: { 200: Account } },
    },
    async ({ caller }) => ({
      id: caller.userId,
      object: 'user' as const,
      username: caller.username,
      plan: caller.plan,
      created_at: caller.createdAt,
    }),
  );
}
