import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, Span as OpenSpan, SpanKind, Tracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Span, SpanOutcome, StartTrace } from '../../base/span.ts';
import { type Logger, Trouble } from '../log/index.ts';
import { type Collector, tracesUrl } from './collector.ts';

/** Where traces go, and what of. */
export interface TracingOptions extends Collector {
  readonly serviceName: string;
  readonly version: string;
  readonly log: Logger;
}

/** Traces of a process. */
export interface Tracing {
  readonly start: StartTrace;
  /** Sends what is left, and stops. A collector that does not take it is not waited for beyond two seconds. */
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 2_000;

type Api = typeof import('@opentelemetry/api');

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The caller's trace; the beginning of a new one where it names none. */
function readParent(api: Api, traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return api.ROOT_CONTEXT;
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return api.isSpanContextValid(remote) ? api.trace.setSpanContext(api.ROOT_CONTEXT, remote) : api.ROOT_CONTEXT;
}

class TracedSpan implements Span {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #span: OpenSpan;

  constructor(api: Api, tracer: Tracer, span: OpenSpan) {
    this.#api = api;
    this.#tracer = tracer;
    this.#span = span;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  start(name: string, attributes: Readonly<Record<string, string | number>>): Span {
    const { trace, ROOT_CONTEXT, SpanKind: kinds } = this.#api;
    const within = trace.setSpan(ROOT_CONTEXT, this.#span);
    return new TracedSpan(
      this.#api,
      this.#tracer,
      this.#tracer.startSpan(name, { kind: kinds.CLIENT, attributes }, within),
    );
  }

  end({ isFailed = false, name, attributes }: SpanOutcome = {}): void {
    if (name !== undefined) this.#span.updateName(name);
    if (attributes !== undefined) this.#span.setAttributes(attributes);
    if (isFailed) this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    this.#span.end();
  }
}

/** Has the log told when a collector takes no traces any more, and when it does again. */
function tellTrouble(exporter: SpanExporter, log: Logger): SpanExporter {
  const trouble = new Trouble(log, {
    begins: 'the collector does not take traces: check OTEL_EXPORTER_OTLP_ENDPOINT; they are lost until it does',
    ends: 'the collector takes traces again',
  });
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error === undefined) trouble.succeeded();
        else trouble.failed({ err: error });
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** Begins to send traces to a collector. The libraries for it are loaded here, so whoever does not trace pays nothing. */
export async function openTracing(options: TracingOptions): Promise<Tracing> {
  const { headers = {}, serviceName, version, log } = options;
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPTraceExporter({ url: tracesUrl(options), headers: { ...headers } });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    // A caller that does not keep its trace does not want ours of it either.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.AlwaysOnSampler() }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: tellTrouble(exporter, log) })],
  });
  const tracer = provider.getTracer('evenkeel', version);
  const kind: SpanKind = api.SpanKind.SERVER;
  return {
    start: (name, traceparent) =>
      new TracedSpan(api, tracer, tracer.startSpan(name, { kind }, readParent(api, traceparent))),
    async close() {
      const sent = provider.shutdown().catch(() => undefined);
      await Promise.race([sent, sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}
