import { once } from 'node:events';
import { inTime } from '../../base/in-time.ts';

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
  const url = tracesUrl(collector);
  // By what the exporter uses: other clients do not send the user and the password of a URL.
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  const headers = { ...collector.headers, 'content-type': 'application/json' };
  const sent = request(url, { method: 'POST', headers }).end('{"resourceSpans":[]}');
  // From the start: what comes right behind an answer may be none, when nobody else listens any more.
  sent.on('error', () => undefined);
  try {
    const [{ statusCode }] = (await inTime(boundMs, once(sent, 'response'))) as [{ statusCode: number }];
    return statusCode;
  } finally {
    sent.destroy();
  }
}
