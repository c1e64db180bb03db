import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import { Type } from 'typebox';
import { isWithin, toBlockList } from '../../base/networks.ts';
import { telemetryErrors } from './errors.ts';

/** How metrics are given out. */
export interface MetricsRouteOptions {
  readonly registry: Registry;
  /** What must be sent as bearer; without one, metrics are for programs on the same machine. */
  readonly token: string | undefined;
}

const loopback = toBlockList(['127.0.0.0/8', '::1']);

/** Whether a request names this machine itself. A page whose own name was made to lead here (DNS rebinding) sends that name. */
function namesThisMachine(host = ''): boolean {
  const name = URL.parse(`http://${host}`)?.hostname;
  return name !== undefined && (isWithin(loopback, name) || !name.includes('.'));
}

/** What proxies tell by of whom they speak for. */
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

/**
 * Whether a request comes from this machine. One that a proxy of this machine passes on comes from elsewhere. nginx names nobody
 * and asks for this machine unless it is told otherwise, but speaks HTTP/1.0 then, which nobody does who collects metrics.
 */
function isLocal({ socket, headers, raw }: FastifyRequest): boolean {
  const isForwarded = raw.httpVersion === '1.0' || FORWARDING_HEADERS.some((name) => headers[name] !== undefined);
  return !isForwarded && isWithin(loopback, socket.remoteAddress ?? '') && namesThisMachine(headers.host);
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  if (token === undefined) return isLocal(request);
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${token}`));
}

/**
 * Registers `GET /metrics`, in Prometheus' text format. API keys do not count here: whoever collects metrics is no user.
 * @throws AppError 401 `telemetry.token_required`.
 */
export function registerMetricsRoute(server: FastifyInstance, { registry, token }: MetricsRouteOptions): void {
  server.get(
    '/metrics',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Operating'],
        operationId: 'readMetrics',
        summary: 'Metrics for Prometheus',
        description:
          'Takes `METRICS_TOKEN` as bearer; without that variable it answers to programs on the same machine alone.',
        response: { 200: { description: 'Metrics', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      if (!mayRead(request, token)) throw telemetryErrors.raise.token_required();
      return reply
        .header('cache-control', 'no-store')
        .type(registry.contentType)
        .send(await registry.metrics());
    },
  );
}
