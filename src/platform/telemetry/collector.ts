import { Agent, request } from 'undici';

/** Where traces go. */
export interface Collector {
  /** Of one that speaks OTLP over HTTP, up to and without `/v1/traces`. */
  readonly endpoint: string;
  /** Sent to it with the traces. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a collector takes traces. */
export const tracesUrl = ({ endpoint }: Collector): string => `${endpoint.replace(/\/+$/, '')}/v1/traces`;

/**
 * Sends a collector no traces, as it is sent some, and answers the HTTP status.
 *
 * @throws Error when it is not reached or does not answer within `boundMs`.
 */
export async function inspectCollector(collector: Collector, boundMs: number): Promise<number> {
  const dispatcher = new Agent();
  try {
    const { statusCode } = await request(tracesUrl(collector), {
      dispatcher,
      method: 'POST',
      headers: { ...collector.headers, 'content-type': 'application/json' },
      body: '{"resourceSpans":[]}',
      signal: AbortSignal.timeout(boundMs),
    });
    return statusCode;
  } finally {
    await dispatcher.destroy();
  }
}
