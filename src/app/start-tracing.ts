import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { openTracing, type Tracing } from '../platform/telemetry/index.ts';
import { version } from './version.ts';

/** Begins to trace where the configuration names a collector; undefined where it does not. */
export async function startTracing({ telemetry }: Config, log: Logger): Promise<Tracing | undefined> {
  const { otlpEndpoint: endpoint, otlpHeaders, serviceName } = telemetry;
  const headers = Object.fromEntries(
    otlpHeaders.map((header) => {
      const [name = '', value = ''] = header.split(/=(.*)/s);
      return [name, decodeURIComponent(value)];
    }),
  );
  return endpoint === undefined ? undefined : await openTracing({ endpoint, headers, serviceName, version, log });
}
