import { hash } from 'node:crypto';
import { addressKey } from './address-key.ts';
import type { Limiter } from './limiter.ts';
import type { LimitRule } from './window.ts';

/** Options of `createFailureLimiter`. */
export interface FailureLimiterOptions {
  readonly limiter: Limiter;
  /** What is tried: `sign-in`. Keeps its counts apart from others. */
  readonly name: string;
  readonly perAccount: readonly LimitRule[];
  readonly perIp: readonly LimitRule[];
}

/** Who failed. */
export interface Attempting {
  /** What stands for the account, as the caller claims it; undefined when nothing is claimed. */
  readonly account?: string | undefined;
  readonly ip: string;
}

/** Whether a failure was within what is allowed. */
export interface CountedFailure {
  readonly isAllowed: boolean;
  /** When it is not: milliseconds until another one is. */
  readonly retryAfterMs: number;
}

/** Counts a failure. */
export type FailureLimiter = (who: Attempting) => Promise<CountedFailure>;

/** Limits failures by account and by address. What one of the two refuses does not count against the other. */
export function createFailureLimiter({ limiter, name, perAccount, perIp }: FailureLimiterOptions): FailureLimiter {
  return async ({ account, ip }) => {
    const counted: Parameters<Limiter['giveBack']>[] = [];
    const wanted: [string, readonly LimitRule[]][] = [[`${name}:ip:${addressKey(ip)}`, perIp]];
    if (account !== undefined) wanted.push([`${name}:account:${hash('sha256', account, 'base64url')}`, perAccount]);
    for (const [key, rules] of wanted) {
      const { isAllowed, resetMs, saidAtMs } = await limiter.consume(key, rules);
      if (!isAllowed) {
        for (const taken of counted) limiter.giveBack(...taken);
        return { isAllowed, retryAfterMs: resetMs };
      }
      counted.push([key, rules, saidAtMs]);
    }
    return { isAllowed: true, retryAfterMs: 0 };
  };
}
