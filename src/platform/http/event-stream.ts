import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../../base/errors.ts';
import { addFinalHeaders } from './answer-headers.ts';
import { httpErrors } from './errors.ts';
import type { Lifecycle } from './lifecycle.ts';
import { MAX_QUEUED_BYTES } from './open-web-socket.ts';
import type { RequestContext } from './request-context.ts';
import { toAppError, toWireError } from './wire-error.ts';

/** How long a reader may take nothing while something waits, in milliseconds, before it counts as gone. */
export const STALLED_MS = 30_000;

/** How long a stream may say nothing, in milliseconds, before a comment tells proxies and the client that it lives. */
const SILENCE_MS = 10_000;

/**
 * A line for nobody. Only where nothing else is said, for some clients of OpenAI fail at any; and with no empty line behind it,
 * which OpenAI's package for Go took for the end of an event until 2026.
 */
const COMMENT = ': keep-alive\n';

/** Frames are collected up to this many characters before they are written, so that `send` notices a full connection. */
const MAX_UNWRITTEN_CHARS = 16 * 1024;

export interface EventStreamOptions {
  /** How long the stream may last, in milliseconds; at its end it fails with `http.deadline_exceeded`. */
  readonly budgetMs: number;
  /**
   * What an error event has beside its error, as all events of the stream do; its `type` is the event's name. Without it
   * error events are bare `data:`, as OpenAI's completions have them.
   */
  readonly errorEvent?: { readonly type: string; readonly [field: string]: string };
}

/** One server-sent event. `data` that is no string is sent as JSON. */
export interface StreamEvent {
  readonly event?: string;
  readonly id?: string | number;
  readonly data: unknown;
}

function toFrame({ event, id, data }: StreamEvent): string {
  // JSON has no line ends of its own; text may, and each of its lines is a `data:` of its own.
  const text = typeof data === 'string' ? data.replaceAll(/\r\n|\r|\n/g, '\ndata: ') : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}data: ${text}\n\n`;
}

/**
 * An open stream of server-sent events. It is open until `end`, `fail`, the end of its budget, or the client's leaving;
 * after that, sending does nothing.
 */
export class EventStream {
  readonly request: FastifyRequest;
  readonly #raw: ServerResponse;
  readonly #context: RequestContext;
  readonly #lifecycle: Lifecycle;
  readonly #errorEvent: EventStreamOptions['errorEvent'];
  readonly #left = new AbortController();
  readonly #silence: NodeJS.Timeout;
  readonly #overdue: NodeJS.Timeout;
  #isOpen = true;
  /** Frames of this turn of the event loop, written together: one system call for what the upstream read at once. */
  #unwritten = '';
  #flush: NodeJS.Immediate | undefined;
  #stalled: NodeJS.Timeout | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(request: FastifyRequest, raw: ServerResponse, options: EventStreamOptions) {
    this.request = request;
    this.#raw = raw;
    this.#context = request.context as RequestContext;
    this.#errorEvent = options.errorEvent;
    this.#lifecycle = request.server.lifecycle;
    raw.once('close', () => this.#close());
    raw.on('drain', () => this.#onDrained());
    // A write to a connection that broke is told by `close`.
    raw.on('error', () => {});
    this.#silence = setInterval(() => this.#keepAlive(), SILENCE_MS);
    this.#overdue = setTimeout(() => this.fail(httpErrors.raise.deadline_exceeded()), options.budgetMs);
    this.#lifecycle.watch(this, this.#lifecycle.streams);
    // `close` comes once: a client that left while the route was preparing is not told again.
    if (raw.destroyed) this.#close();
    else if (request.method === 'HEAD') this.#endUnread();
    else this.#flush = setImmediate(() => this.#writeOut());
  }

  /** Aborts when the client left before the stream ended, when it asked for the headers alone, or when the stream failed. */
  get closed(): AbortSignal {
    return this.#left.signal;
  }

  /** Sends an event. Await what it returns, and a slow reader slows its source; undefined when the connection can take more. */
  send(event: StreamEvent): Promise<void> | undefined {
    this.#write(toFrame(event));
    return this.#drained?.promise;
  }

  /** Sends an error as the stream's last event and ends it, without `[DONE]`: it must not look finished. */
  fail(thrown: unknown): void {
    if (!this.#isOpen) return;
    const error = toAppError(thrown);
    this.#context.failure = error;
    const data = { ...this.#errorEvent, error: toWireError(error) };
    this.#finish(toFrame(this.#errorEvent === undefined ? { data } : { event: this.#errorEvent.type, data }));
    this.#left.abort();
  }

  /** Ends the stream as finished; `failure` is what its last event told, which the log is to know. */
  end(failure?: AppError): void {
    if (!this.#isOpen) return;
    this.#context.failure = failure;
    this.#finish('data: [DONE]\n\n');
  }

  /** For a client that wants the headers alone: it would wait for the end, and see nothing of what comes before. */
  #endUnread(): void {
    this.#finish('');
    this.#left.abort();
  }

  #finish(lastFrame: string): void {
    this.#isOpen = false;
    this.#raw.end(this.#unwritten + lastFrame);
    this.#unwritten = '';
    // What is still queued gets the same time as any reader gets.
    this.#stalled ??= setTimeout(() => this.#raw.destroy(), STALLED_MS);
    this.#drained?.resolve();
  }

  #keepAlive(): void {
    // A long event on its way to a slow reader says the same, and the comment would count as more than the reader keeps up with.
    if (this.#raw.writableLength === 0) this.#writeOut();
  }

  #write(frame: string): void {
    if (!this.#isOpen) return;
    // Before this frame: one alone may be longer, and would never be read.
    if (this.#raw.writableLength > MAX_QUEUED_BYTES) this.#raw.destroy();
    this.#unwritten += frame;
    if (this.#unwritten.length > MAX_UNWRITTEN_CHARS) this.#writeOut();
    else this.#flush ??= setImmediate(() => this.#writeOut());
  }

  /** Writes what there is to say, or that there is nothing. */
  #writeOut(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    if (!this.#isOpen) return;
    this.#silence.refresh();
    const frames = this.#unwritten || COMMENT;
    this.#unwritten = '';
    if (this.#raw.write(frames)) return;
    this.#drained ??= Promise.withResolvers();
    this.#stalled ??= setTimeout(() => this.#raw.destroy(), STALLED_MS);
  }

  #onDrained(): void {
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #close(): void {
    this.#lifecycle.streams.delete(this);
    const hasLeft = this.#isOpen;
    this.#isOpen = false;
    clearInterval(this.#silence);
    clearTimeout(this.#overdue);
    clearImmediate(this.#flush);
    clearTimeout(this.#stalled);
    this.#drained?.resolve();
    if (hasLeft) this.#left.abort();
  }
}

/**
 * Answers a request with a stream of server-sent events: status 200, the headers that every answer has, and what is sent at once,
 * else a comment. From here on the request's deadline does not cut it; the stream's own budget does. The route must
 * `return reply` and send nothing itself.
 *
 * A client that leaves is told by `closed`; whether to go on without it is the caller's choice. A reader for whom more
 * than 1 MiB is queued when more comes, or who takes nothing for 30 s, is disconnected.
 */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  options: EventStreamOptions,
): EventStream {
  request.context.deadline.end();
  reply.hijack();
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    // Proxies that compress, such as those that come with web frameworks, would hold events back for their coding's sake.
    'cache-control': 'no-store, no-transform',
    // Nginx would hold events back to fill its buffers.
    'x-accel-buffering': 'no',
  });
  addFinalHeaders(request, reply);
  reply.raw.writeHead(200, reply.getHeaders() as Record<string, string | string[]>);
  return new EventStream(request, reply.raw, options);
}
