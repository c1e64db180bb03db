import type { Config } from '../platform/config/index.ts';
import { openTracing, type Tracing } from '../platform/telemetry/index.ts';
import { version } from './version.ts';

/** Begins to trace where the configuration names a collector; undefined where it does not. */
export async function startTracing({ telemetry }: Config): Promise<Tracing | undefined> {
  const { otlpEndpoint: endpoint, serviceName } = telemetry;
  return endpoint === undefined ? undefined : await openTracing({ endpoint, serviceName, version });
}
