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

/** Who tries. */
export interface Attempting {
  /** What stands for the account, as the caller claims it; undefined when nothing is claimed. */
  readonly account?: string | undefined;
  readonly ip: string;
}

/** An attempt that may be made, or not. It counts as failed until it is said to have succeeded. */
export interface Attempt {
  readonly isAllowed: boolean;
  /** When it is not allowed: milliseconds until another one may be. */
  readonly retryAfterMs: number;
  /** Takes the attempt off the count. */
  succeed(): void;
}

/** Lets so many failures happen, and no attempt after them. */
export type FailureLimiter = (who: Attempting) => Promise<Attempt>;

/**
 * Limits failed attempts by account and by address. Exact also for attempts at once: each is counted before it is made, and
 * taken off when it succeeded. So of an address that may fail N times, no more than N attempts are under way at a time.
 */
export function createFailureLimiter({ limiter, name, perAccount, perIp }: FailureLimiterOptions): FailureLimiter {
  return async ({ account, ip }) => {
    const counted: Parameters<Limiter['giveBack']>[] = [];
    const takeBack = (): void => {
      for (const taken of counted.splice(0)) limiter.giveBack(...taken);
    };
    const wanted: [string, readonly LimitRule[]][] = [[`${name}:ip:${addressKey(ip)}`, perIp]];
    if (account !== undefined) wanted.push([`${name}:account:${hash('sha256', account, 'base64url')}`, perAccount]);
    for (const [key, rules] of wanted) {
      const { isAllowed, resetMs, saidAtMs } = await limiter.consume(key, rules);
      if (!isAllowed) {
        takeBack();
        return { isAllowed, retryAfterMs: resetMs, succeed: () => undefined };
      }
      counted.push([key, rules, saidAtMs]);
    }
    return { isAllowed: true, retryAfterMs: 0, succeed: takeBack };
  };
}
