import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { CallContext } from '../../base/call-context.ts';
import { Deadline } from '../../base/deadline.ts';
import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Span } from '../../base/span.ts';
import type { Clock } from '../../base/time.ts';
import { Timings, toTenths } from '../../base/timings.ts';
import { permissionsOf } from './route-rules.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
const NUMBER = /^\d{1,9}(?:\.\d{1,9})?$/;

/** The id of a request: the client's own where it is a plain token, which cannot forge a log line; else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : newId();
}

function readNumber(value: string | string[] | undefined): number {
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : 0;
  return number > 0 ? number : Number.POSITIVE_INFINITY;
}

/**
 * How long the client itself will wait, in milliseconds: OpenAI's clients say it in seconds (`X-Stainless-Timeout`),
 * others in milliseconds (`X-Request-Timeout-Ms`). Infinity when it does not say, or says nonsense.
 */
function clientBudgetMs(headers: IncomingHttpHeaders): number {
  return Math.min(readNumber(headers['x-stainless-timeout']) * 1000, readNumber(headers['x-request-timeout-ms']));
}

/** What is known of one request while it is served. Features see it as a `CallContext`. */
export class RequestContext implements CallContext {
  readonly requestId: string;
  readonly deadline: Deadline;
  readonly timings = new Timings();
  /** The pattern of the route; `none` where there is none. */
  readonly route: string;
  /** Who may call the route: `public` or a permission; empty where there is none. */
  readonly access: string;
  /** All that the route takes a caller to have. */
  readonly permissions: readonly string[];
  /** The request's trace, where somebody traces. */
  trace: Span | undefined;
  /** The error that the request ended in, for the log. */
  failure: AppError | undefined;
  /** `Lifecycle.callerChanges` when the caller was last asked for. */
  callerChanges = 0;
  /** Whether the whole answer was handed to the connection. */
  isAnswered = false;
  /** Whether it was answered on the bare socket with its failure: the rest of it was no HTTP, or did not come in time. */
  isRefused = false;
  readonly #startedAtMs: number;
  readonly #clock: Clock;

  constructor(request: Pick<FastifyRequest, 'id' | 'headers' | 'routeOptions'>, requestBudgetMs: number, clock: Clock) {
    // Read once: Fastify puts them together at each asking.
    const { url = 'none', config } = request.routeOptions;
    const { access = '', budgetMs = requestBudgetMs } = config;
    this.requestId = request.id;
    this.route = url;
    this.access = access;
    this.permissions = permissionsOf(config);
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
    this.deadline = Deadline.after(Math.min(budgetMs, clientBudgetMs(request.headers)), clock);
  }

  /** Milliseconds since the request began, to a tenth. */
  totalMs(): number {
    return toTenths(this.#clock.monotonicMs() - this.#startedAtMs);
  }

  /** The `Server-Timing` of the steps so far, and of the whole. */
  serverTiming(): string {
    const steps = this.timings.toHeader();
    return `${steps}${steps === '' ? '' : ', '}total;dur=${this.totalMs()}`;
  }
}

/** An answer as Node keeps it; one that Fastify was given knows its request. */
export type Answer = ServerResponse & { context?: RequestContext };

declare module 'fastify' {
  interface FastifyRequest {
    /** The request's deadline, timings and id: pass it to every call made on the request's behalf. */
    readonly context: CallContext;
  }
}
