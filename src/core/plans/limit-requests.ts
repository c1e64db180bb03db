import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Limiter, LimitRule, Verdict } from '../../platform/limits/index.ts';
import type { Caller } from '../accounts/index.ts';
import { limitErrors } from './errors.ts';
import type { Plans } from './plans.ts';

/** What limiting requests needs. */
export interface RequestLimitOptions {
  readonly limiter: Limiter;
  readonly plans: Plans;
  /** Is told of each refusal, by the name of the window whose limit refused. */
  readonly onRefused?: (limit: string) => void;
}

/** Counts requests and other calls of users. */
export interface RequestLimits {
  /**
   * Counts a request, and writes how its caller stands into the answer's headers. At once where it can.
   * @throws AppError 429 `limits.requests_exceeded`.
   */
  limit(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined;
  /**
   * Counts a call that is no request of its own: a frame of a WebSocket.
   * @throws AppError 429 `limits.requests_exceeded`.
   */
  count(caller: Caller): Promise<void> | undefined;
}

type Told = (verdict: Verdict, rules: readonly LimitRule[]) => void;

const SECOND_MS = 1_000;
const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3_600;

/** A duration as OpenAI's API writes it: `42s`, `6m0s`, `1h0m12s`. */
function describeSeconds(seconds: number): string {
  const minutes = Math.floor(seconds / MINUTE_SECONDS);
  if (minutes === 0) return `${seconds}s`;
  const text = `${minutes % MINUTE_SECONDS}m${seconds % MINUTE_SECONDS}s`;
  return seconds < HOUR_SECONDS ? text : `${Math.floor(seconds / HOUR_SECONDS)}h${text}`;
}

const policies = new WeakMap<readonly LimitRule[], string>();

/** The `RateLimit-Policy` of rules, which never change: `"minute";q=2000;w=60, "hour";q=10000;w=3600`. */
function policyOf(rules: readonly LimitRule[]): string {
  let policy = policies.get(rules);
  if (policy === undefined) {
    const items = rules.map(({ window, limit }) => `"${window.name}";q=${limit};w=${window.durationMs / SECOND_MS}`);
    policy = items.join(', ');
    policies.set(rules, policy);
  }
  return policy;
}

/** The headers that OpenAI's clients know, and those of the IETF draft (draft-ietf-httpapi-ratelimit-headers-09). */
function limitHeaders({ rule, remaining, resetMs }: Verdict, rules: readonly LimitRule[]): Record<string, string> {
  const resetSeconds = Math.ceil(resetMs / SECOND_MS);
  return {
    'x-ratelimit-limit-requests': `${rule.limit}`,
    'x-ratelimit-remaining-requests': `${remaining}`,
    'x-ratelimit-reset-requests': describeSeconds(resetSeconds),
    ratelimit: `"${rule.window.name}";r=${remaining};t=${resetSeconds}`,
    'ratelimit-policy': policyOf(rules),
  };
}

function raiseExcess({ rule: { limit, window }, resetMs }: Verdict): never {
  throw limitErrors.raise.requests_exceeded({ limit, window: window.name }, { retryAfterMs: resetMs });
}

/** What the requests by one key are counted under. Access tokens of a user count together, as one key. */
export function keyCount({ userId, keyId }: Caller): string {
  return `key:${keyId ?? userId}`;
}

/**
 * Makes the limits of requests. They are counted by user, over all keys, and by key where the plan limits that. A request
 * that is refused counts for nothing.
 */
export function createRequestLimits({ limiter, plans, onRefused }: RequestLimitOptions): RequestLimits {
  function take(key: string, rules: readonly LimitRule[], told: Told): Promise<void> | undefined {
    const verdict = limiter.consume(key, rules);
    const heed = (settled: Verdict): void => {
      told(settled, rules);
      if (settled.isAllowed) return;
      onRefused?.(settled.rule.window.name);
      raiseExcess(settled);
    };
    if (verdict instanceof Promise) return verdict.then(heed);
    heed(verdict);
    return undefined;
  }

  function admit(caller: Caller, told: Told): Promise<void> | undefined {
    const { requests, requestsPerKey } = plans.of(caller);
    const takeOfUser = (heard: Told) =>
      requests.length === 0 ? undefined : take(`user:${caller.userId}`, requests, heard);
    if (requestsPerKey.length === 0) return takeOfUser(told);
    const key = keyCount(caller);
    let takenAtMs = 0;
    const takeOfUserToo = () =>
      takeOfUser((verdict, rules) => {
        if (!verdict.isAllowed) limiter.giveBack(key, requestsPerKey, takenAtMs);
        told(verdict, rules);
      });
    const pending = take(key, requestsPerKey, (verdict, rules) => {
      takenAtMs = verdict.saidAtMs;
      told(verdict, rules);
    });
    return pending === undefined ? takeOfUserToo() : pending.then(takeOfUserToo);
  }

  return {
    limit: ({ caller }, reply) => {
      let least = Number.POSITIVE_INFINITY;
      return admit(caller, (verdict, rules) => {
        if (verdict.remaining > least) return;
        least = verdict.remaining;
        reply.headers(limitHeaders(verdict, rules));
      });
    },
    count: (caller) => admit(caller, () => undefined),
  };
}
