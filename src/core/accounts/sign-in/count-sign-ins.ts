import { hash } from 'node:crypto';
import { type Limiter, windows } from '../../../platform/limits/index.ts';
import { signInErrors } from '../errors.ts';
import type { Identity } from './identity-verifier.ts';

/** Counts that an identity signs in. @throws AppError 429 `auth.too_many_sign_ins`. */
export type CountSignIn = (identity: Pick<Identity, 'issuer' | 'subject'>) => Promise<void>;

/** Far more than an app that forgets its tokens needs, or a program that signs in once a minute. */
const RULES = [
  { window: windows.minute, limit: 100 },
  { window: windows.day, limit: 5_000 },
];

/**
 * Makes what counts the good sign-ins of each identity, over all servers. Each can have a row made that is kept for as long as
 * its refresh token is good: without a limit one user could fill the disk.
 */
export function createSignInCount(limiter: Limiter): CountSignIn {
  return async ({ issuer, subject }) => {
    const key = `signed-in:${hash('sha256', `${issuer}\n${subject}`, 'base64url')}`;
    const { isAllowed, resetMs } = await limiter.consume([{ key, rules: RULES }]);
    if (!isAllowed) throw signInErrors.raise.too_many_sign_ins({ retryAfterMs: resetMs });
  };
}
