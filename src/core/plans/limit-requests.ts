import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Allowance, Limiter, LimitRule, Verdict } from '../../platform/limits/index.ts';
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
function limitHeaders({ rule, rules, remaining, resetMs }: Verdict): Record<string, string> {
  const resetSeconds = Math.ceil(resetMs / SECOND_MS);
  return {
    'x-ratelimit-limit-requests': `${rule.limit}`,
    'x-ratelimit-remaining-requests': `${remaining}`,
    'x-ratelimit-reset-requests': describeSeconds(resetSeconds),
    ratelimit: `"${rule.window.name}";r=${remaining};t=${resetSeconds}`,
    'ratelimit-policy': policyOf(rules),
  };
}

/** What the requests of a user are counted under, over all keys. */
export function userCount({ userId }: Caller): string {
  return `user:${userId}`;
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
  function admit(caller: Caller, told: (verdict: Verdict) => void): Promise<void> | undefined {
    const { requests, requestsPerKey } = plans.of(caller);
    const allowances: Allowance[] = [];
    if (requests.length > 0) allowances.push({ key: userCount(caller), rules: requests });
    if (requestsPerKey.length > 0) allowances.push({ key: keyCount(caller), rules: requestsPerKey });
    if (allowances.length === 0) return undefined;
    const heed = (verdict: Verdict): void => {
      told(verdict);
      if (verdict.isAllowed) return;
      const { limit, window } = verdict.rule;
      onRefused?.(window.name);
      throw limitErrors.raise.requests_exceeded({ limit, window: window.name }, { retryAfterMs: verdict.resetMs });
    };
    const verdict = limiter.consume(allowances);
    if (verdict instanceof Promise) return verdict.then(heed);
    heed(verdict);
    return undefined;
  }

  return {
    limit: ({ caller }, reply) => admit(caller, (verdict) => reply.headers(limitHeaders(verdict))),
    count: (caller) => admit(caller, () => undefined),
  };
}
