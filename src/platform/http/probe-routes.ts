import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';

/** Whether the server can serve, and what is not as it should be. */
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  /** What is amiss, in public words: no addresses, no secrets. */
  readonly reasons: string[];
}

/** Finds out whether the server can serve. Bounded by the context's deadline; a throw counts as `unavailable`. */
export type CheckReadiness = (context: CallContext) => Promise<Readiness>;

/** Readiness must flip within 2 s: the check gets most of that, and its answer the rest. */
const READINESS_BUDGET_MS = 1500;

const Alive = Type.Object({ status: Type.Literal('alive') }, { title: 'Liveness' });
const Ready = Type.Object(
  {
    status: Type.String({ enum: ['ready', 'degraded', 'unavailable'] }),
    reasons: Type.Array(Type.String()),
  },
  { title: 'Readiness' },
);

async function readinessOf(check: CheckReadiness, context: CallContext): Promise<Readiness> {
  try {
    return await context.deadline.race(check(context));
  } catch {
    return { status: 'unavailable', reasons: ['The check of what this server depends on did not finish.'] };
  }
}

/** Registers `/livez`, which touches nothing, and `/readyz`, which says whether traffic should come here. */
export function registerProbeRoutes(server: FastifyInstance, check: CheckReadiness): void {
  server.describeTag('Operating', 'How the server is, and what only those who run it may do.');
  server.get(
    '/livez',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Operating'],
        operationId: 'checkLiveness',
        summary: 'Whether the process runs',
        response: { 200: Alive },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return { status: 'alive' as const };
    },
  );

  server.get(
    '/readyz',
    {
      config: { access: 'public', budgetMs: READINESS_BUDGET_MS },
      schema: {
        tags: ['Operating'],
        operationId: 'checkReadiness',
        summary: 'Whether the server can serve',
        description: 'Also 200 when degraded; `reasons` says of what. 503 when it cannot serve, or is being stopped.',
        response: { 200: Ready, 503: Ready },
      },
    },
    async (request, reply) => {
      const readiness: Readiness = request.server.lifecycle.draining
        ? { status: 'unavailable', reasons: ['The server is being stopped.'] }
        : await readinessOf(check, request.context);
      return reply
        .code(readiness.status === 'unavailable' ? 503 : 200)
        .header('cache-control', 'no-store')
        .send(readiness);
    },
  );
}
