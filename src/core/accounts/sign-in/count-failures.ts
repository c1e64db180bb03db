import { decodeJwt } from 'jose';
import { AppError } from '../../../base/errors.ts';
import { createFailureLimiter, type Limiter, windows } from '../../../platform/limits/index.ts';
import { signInErrors } from '../errors.ts';

/** A token that somebody tries, and from where. */
export interface TokenAttempt {
  readonly token: string;
  readonly ip: string;
}

/** Does what a token is needed for, and counts it when the token is refused. */
export type CountFailures = <Result>(attempt: TokenAttempt, work: () => Promise<Result>) => Promise<Result>;

/** An app that repeats itself needs a few. */
const FAILURES_PER_ACCOUNT = 10;
/** A company behind one address has many apps. */
const FAILURES_PER_IP = 100;

/** The account that a token claims to be of; undefined when it claims none. */
function claimedAccount(token: string): string | undefined {
  try {
    const { iss, sub } = decodeJwt(token);
    return sub === undefined ? undefined : `${iss}\n${sub}`;
  } catch {
    return undefined;
  }
}

/**
 * Makes what counts refused tokens by the account that they claim and by address, over all servers: so many a minute are
 * answered 401, further ones 429. A good token is never refused for the bad ones of others: nobody can guess a signature,
 * but anybody could lock out whom they name.
 */
export function createFailureCount(limiter: Limiter): CountFailures {
  const fail = createFailureLimiter({
    limiter,
    name: 'sign-in',
    perAccount: [{ window: windows.minute, limit: FAILURES_PER_ACCOUNT }],
    perIp: [{ window: windows.minute, limit: FAILURES_PER_IP }],
  });
  return async ({ token, ip }, work) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.status !== 401) throw error;
      const { isAllowed, retryAfterMs } = await fail({ account: claimedAccount(token), ip });
      throw isAllowed ? error : signInErrors.raise.too_many_failures({ cause: error, retryAfterMs });
    }
  };
}
