import { hash } from 'node:crypto';
import { addressKey } from './address-key.ts';
import type { Allowance, Limiter } from './limiter.ts';
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
  // Apart from the others: anybody can make up as many accounts as they like.
  const apart = limiter.apart();
  return async ({ account, ip }) => {
    const allowances: Allowance[] = [{ key: `${name}:ip:${addressKey(ip)}`, rules: perIp }];
    if (account !== undefined) {
      const key = `${name}:account:${hash('sha256', account, 'base64url')}`;
      allowances.push({ key, rules: perAccount });
    }
    const { isAllowed, resetMs } = await apart.consume(allowances);
    return { isAllowed, retryAfterMs: isAllowed ? 0 : resetMs };
  };
}
