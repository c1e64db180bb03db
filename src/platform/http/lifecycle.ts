import type { FastifyRequest, RouteOptions } from 'fastify';
import type { ExplainError } from './explain-errors.ts';
import type { OpenWebSocket } from './open-web-socket.ts';
import type { RequestContext } from './request-context.ts';

/** An answer that takes as long as a model or its reader, as those see it who may end it. */
export interface LongAnswer {
  /** What it answers. */
  readonly request: FastifyRequest;
  /** Ends it: one that has begun with an error event or in the middle, any other with the error in its place. */
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
  readonly streams = new Set<LongAnswer>();
  /** Answers that are sent when they are whole, which takes long. Each belongs to a request in flight. */
  readonly awaited = new Set<LongAnswer>();
  /** How often a change of callers was heard of: who was identified before the last one is not known to be one any more. */
  callerChanges = 0;
  /** Looks whether the caller may still call who is answered, where somebody watches. */
  recheck: (answer: LongAnswer) => void = () => {};
  /** Explains errors, where somebody can. */
  explain: ExplainError = (thrown) => thrown;
  /** WebSockets that are open. None belongs to a request in flight. */
  readonly sockets = new Set<OpenWebSocket>();
  /** Where WebSockets are taken. */
  readonly webSocketPaths = new Set<string>();
  /** Every route, as it was registered. */
  readonly routes: RouteOptions[] = [];
  /** Requests whose answer is not finished, and whose client has not gone. */
  readonly inFlight = new Set<RequestContext>();

  /** Has an answer watched, which goes to `streams` or `awaited`; callers may have changed since its own was identified. */
  watch(answer: LongAnswer, answers: Set<LongAnswer>): void {
    answers.add(answer);
    const { callerChanges } = answer.request.context as RequestContext;
    if (callerChanges !== this.callerChanges) this.recheck(answer);
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What `platform/http` knows of the running server; for its own use. */
    readonly lifecycle: Lifecycle;
  }
}
