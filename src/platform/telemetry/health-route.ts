import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { CallContext } from '../../base/call-context.ts';
import { inBackground } from '../../base/in-background.ts';

const Count = Type.Integer({ minimum: 0 });
const Breaker = Type.String({ enum: ['closed', 'open', 'half-open'] });

const Database = Type.Object({
  status: Type.String({
    enum: ['up', 'down'],
    description: 'Down: no answer in 0.8 s. A pool that is CRITICAL then says why: every connection is busy.',
  }),
  breaker: Breaker,
  latency_ms: Type.Union([Type.Number(), Type.Null()], {
    description: 'A round trip, with the wait for a connection; null when there was none.',
  }),
  pool: Type.Object({
    size: Type.Integer({ description: 'Connections that are kept.' }),
    total: Count,
    checked_out: Count,
    idle: Count,
    overflow: Type.Integer({ minimum: 0, description: 'Connections open beyond `size`.' }),
    waiting: Type.Integer({ minimum: 0, description: 'Callers that wait for a connection.' }),
    utilisation: Type.Number({ description: 'Share of all the connections that may be open, 0 to 1.' }),
    status: Type.String({ enum: ['HEALTHY', 'NORMAL', 'WARNING', 'CRITICAL'] }),
  }),
});

const Health = Type.Object(
  {
    status: Type.String({ enum: ['ok', 'degraded', 'unavailable'] }),
    reasons: Type.Array(Type.String()),
    version: Type.String(),
    uptime_seconds: Count,
    database: Database,
    cache: Type.Object({ users: Count, bytes: Count, hit_rate: Type.Number(), ttl_seconds: Type.Number() }),
    jobs: Type.Union([
      Type.Object({ waiting: Count, running: Count, failed: Count, oldest_waiting_seconds: Type.Number() }),
      Type.Null(),
    ]),
    redis: Type.Object({ status: Type.String({ enum: ['up', 'down', 'off'] }) }),
    models: Type.Array(
      Type.Object({
        name: Type.String(),
        target: Type.String(),
        state: Breaker,
        last_error_code: Type.Optional(Type.String()),
      }),
    ),
  },
  { title: 'Health' },
);

/** How the server and what it depends on are, for everyone to see: no addresses, no names of hosts, no secrets. */
export type Health = Static<typeof Health>;

/** Finds out how the server is, within its deadline whatever is the matter. */
export type HealthReport = (context: CallContext) => Promise<Health>;

/** Everything that is asked for has this long, in milliseconds: a frozen database is told of within a second. */
const REPORT_BUDGET_MS = 800;

/** A report is given to everyone who asks within this time, in milliseconds: the page is public, its questions are not free. */
const KEPT_MS = 1_000;

function keep(report: HealthReport): () => Promise<Health> {
  let kept: Promise<Health> | undefined;
  const forget = (): void => {
    kept = undefined;
  };
  const ask = (): Promise<Health> => {
    const asked = inBackground({ budgetMs: REPORT_BUDGET_MS }, report);
    asked.then(() => setTimeout(forget, KEPT_MS).unref(), forget);
    return asked;
  };
  return () => (kept ??= ask());
}

/**
 * Registers `GET /health` and `GET /api/health`. The answer is 200 also when the server is not well: its body says so.
 * Load balancers ask `/readyz`.
 */
export function registerHealthRoute(server: FastifyInstance, report: HealthReport): void {
  const ask = keep(report);
  const operationIds = { '/health': 'readHealth', '/api/health': 'readApiHealth' };
  for (const [url, operationId] of Object.entries(operationIds)) {
    server.get(
      url,
      {
        config: { access: 'public' },
        schema: {
          tags: ['Operating'],
          operationId,
          summary: 'How the server and what it depends on are',
          description: 'Always 200: `status` and `reasons` tell what is amiss. Load balancers ask `/readyz`.',
          response: { 200: Health },
        },
      },
      async (_request, reply) => {
        reply.header('cache-control', 'public, max-age=60');
        return await ask();
      },
    );
  }
}
