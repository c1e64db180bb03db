import { inspectCollector } from '../../../platform/telemetry/index.ts';
import { readCollector } from '../../start-tracing.ts';
import { advice, broken, type Check, fine, type Observation, SERVICE_BOUND_MS, unreached } from '../finding.ts';

function judge(host: string, status: number): Observation {
  if (status < 300) return fine(`${host} takes them`);
  if (status === 401 || status === 403) {
    return broken(
      `${host} refuses us (${status})`,
      'Set OTEL_EXPORTER_OTLP_HEADERS to what it knows you by, its values percent-encoded.',
    );
  }
  if (status >= 500 || status === 429) {
    return advice(`${host} answers ${status}`, 'See to the collector; traces are lost until it takes them.');
  }
  return broken(
    `${host} takes none (${status})`,
    'Set OTEL_EXPORTER_OTLP_ENDPOINT to where it takes OTLP over HTTP as JSON, without /v1/traces; mostly that is port 4318.',
  );
}

/** Whether the collector of traces is reached and takes what it is sent. */
export const checkTraces: Check = {
  name: 'traces',
  async run({ config: { telemetry } }) {
    const collector = readCollector(telemetry);
    if (collector === undefined) return [fine('none are sent')];
    const { host } = new URL(collector.endpoint);
    try {
      return [judge(host, await inspectCollector(collector, SERVICE_BOUND_MS))];
    } catch (error) {
      return [
        unreached(
          `${host} is not reached`,
          error,
          'See that it runs and speaks OTLP over HTTP, mostly on port 4318; else mend OTEL_EXPORTER_OTLP_ENDPOINT.',
        ),
      ];
    }
  },
};
