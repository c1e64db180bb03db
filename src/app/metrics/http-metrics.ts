import { Counter, Histogram, type Registry } from 'prom-client';
import type { HttpServer, RequestObservation } from '../../platform/http/index.ts';
import { readAtScrape } from '../../platform/telemetry/index.ts';
import { errorCodes } from '../error-codes.ts';

/** From a caller that is known, 0.1 ms, to the longest a model is waited for by default bounds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Adds the metrics of requests. */
export function createHttpMetrics(registry: Registry) {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'evenkeel_http_request_duration_seconds',
    help: "Time from a request's headers to the end of its answer, streams included, by route, method and class of status.",
    labelNames: ['route', 'method', 'status'],
    buckets,
    registers,
  });
  const errors = new Counter({
    name: 'evenkeel_http_errors_total',
    help: 'Requests that ended in an error, by its code.',
    labelNames: ['code'],
    registers,
  });
  // So that the first burst of an error is seen as a rise.
  for (const { code } of errorCodes) errors.inc({ code }, 0);
  const readInFlight = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_http_requests_in_flight',
    help: 'Requests whose answer is not finished, streams included.',
  });
  const readStreams = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_http_streams_open',
    help: 'Event streams and exports that are open.',
  });
  const readSockets = readAtScrape(registry, {
    type: 'gauge',
    name: 'evenkeel_http_websockets_open',
    help: 'WebSockets that are open.',
  });
  return {
    observe({ route, method, status, durationMs, code }: RequestObservation): void {
      seconds.observe({ route, method, status: `${Math.floor(status / 100)}xx` }, durationMs / 1000);
      if (code !== undefined) errors.inc({ code });
    },
    watch({ lifecycle }: Pick<HttpServer, 'lifecycle'>): void {
      readInFlight(() => [[lifecycle.inFlight.size]]);
      readStreams(() => [[lifecycle.streams.size]]);
      readSockets(() => [[lifecycle.sockets.size]]);
    },
  };
}
