import type { FastifyRequest, RouteOptions } from 'fastify';
import type { ExplainError } from './explain-errors.ts';
import type { OpenWebSocket } from './open-web-socket.ts';
import type { RequestContext } from './request-context.ts';

/** An answer that is sent while it is made, as those see it who may end it. */
export interface OpenStream {
  /** What it answers. */
  readonly request: FastifyRequest;
  /** Ends the stream: an event stream with an error event, any other in the middle. */
  fail(thrown: unknown): void;
}

/** What a server knows of itself while it runs: what is in flight, and whether it is being stopped. */
export class Lifecycle {
  /** True from the moment that stopping began; it never turns back. */
  draining = false;
  /** True when, being stopped, it takes no new connections any more. The last answer on a connection then closes it. */
  isPortClosed = false;
  /** The end of the drain, once one began. */
  drained: Promise<void> | undefined;
  /** Event streams, and other answers that are sent while they are made. Each belongs to a request in flight. */
  readonly streams = new Set<OpenStream>();
  /** How often a change of callers was heard of: who was identified before the last one is not known to be one any more. */
  callerChanges = 0;
  /** Looks whether a stream's caller may still call, where somebody watches. */
  recheck: (stream: OpenStream) => void = () => {};
  /** Explains errors, where somebody can. */
  explain: ExplainError = (thrown) => thrown;
  /** WebSockets that are open. None belongs to a request in flight. */
  readonly sockets = new Set<OpenWebSocket>();
  /** Where WebSockets are taken. */
  readonly webSocketPaths = new Set<string>();
  /** Every route, as it was registered. */
  readonly routes: RouteOptions[] = [];
  readonly #inFlight = new Set<RequestContext>();
  readonly #waiting: (() => void)[] = [];

  /** Requests whose answer is not finished. */
  get inFlight(): ReadonlySet<RequestContext> {
    return this.#inFlight;
  }

  /** Counts a request as in flight. */
  begin(request: RequestContext): void {
    this.#inFlight.add(request);
  }

  /** The request's answer is finished, or its client has gone. */
  finish(request: RequestContext): void {
    this.#inFlight.delete(request);
    if (this.#inFlight.size === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when no request is in flight. */
  whenIdle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What `platform/http` knows of the running server; for its own use. */
    readonly lifecycle: Lifecycle;
  }
}
