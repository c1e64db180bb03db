import { isEncodedHeader, list, optionalText, optionalUrl, text } from './variable.ts';

/** The variables of traces and metrics. */
export const telemetryVariables = {
  otlpEndpoint: optionalUrl({
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    schemes: ['http', 'https'],
    sentence:
      'Collector that traces are sent to, by OTLP over HTTP as JSON, up to and without `/v1/traces`. Without it nothing is traced.',
  }),
  otlpHeaders: list({
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    items: 'headers, each `name=value` with the value percent-encoded',
    isItem: isEncodedHeader,
    secret: true,
    sentence: 'Sent to the collector: what a hosted one knows you by, such as `authorization=Bearer%20…`.',
  }),
  serviceName: text({
    name: 'OTEL_SERVICE_NAME',
    pattern: /^[\x21-\x7e]{1,100}$/,
    kind: 'a name of visible ASCII characters without spaces',
    default: 'evenkeel',
    sentence: 'Name that traces go by.',
  }),
  metricsToken: optionalText({
    name: 'METRICS_TOKEN',
    pattern: /^[\x21-\x7e]{16,}$/,
    kind: 'a text of at least 16 visible ASCII characters without spaces',
    secret: true,
    sentence:
      'What `GET /metrics` takes as a bearer token. Without it metrics are answered to programs on the same machine alone, which ask for it by its own name, such as `localhost`; set it where a proxy stands in front.',
  }),
};
