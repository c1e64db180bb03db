import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { type Collector, openTracing, type Tracing } from '../platform/telemetry/index.ts';
import { version } from './version.ts';

/** The collector that the configuration names; undefined where it names none. */
export function readCollector({ otlpEndpoint: endpoint, otlpHeaders }: Config['telemetry']): Collector | undefined {
  const headers = Object.fromEntries(
    otlpHeaders.map((header) => {
      const [name = '', value = ''] = header.split(/=(.*)/s);
      return [name, decodeURIComponent(value)];
    }),
  );
  return endpoint === undefined ? undefined : { endpoint, headers };
}

/** Begins to trace where the configuration names a collector; undefined where it does not. */
export async function startTracing({ telemetry }: Config, log: Logger): Promise<Tracing | undefined> {
  const collector = readCollector(telemetry);
  const { serviceName } = telemetry;
  return collector === undefined ? undefined : await openTracing({ ...collector, serviceName, version, log });
}
