import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/time.ts';
import { type CallerCache, IdentityVerifier, type Issuer, SignIn, Tokens } from '../core/accounts/index.ts';
import { newFirstKey } from '../core/keys/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { BatchObservers, Database } from '../platform/postgres/index.ts';
import { ensureAuthSecrets } from './auth-secrets.ts';

/** What sign-in is put together from. */
export interface SignInParts {
  readonly issuers: readonly Issuer[];
  readonly database: Database;
  /** Told of the batches of sign-ins. */
  readonly observers: BatchObservers;
  readonly callers: CallerCache;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What signs users in and checks our tokens. */
export interface SignInService {
  readonly tokens: Tokens;
  readonly signIn: SignIn;
  readonly signInBudgetMs: number;
  close(): Promise<void>;
}

/**
 * Opens sign-in with identity providers. Without any, no token of one is good, and ours are signed with a secret that
 * nobody keeps.
 */
export function openSignIn(
  config: Config,
  { issuers, database, observers, callers, clock, log }: SignInParts,
): SignInService {
  const secrets = issuers.length > 0 ? ensureAuthSecrets(config, log) : [randomUUID()];
  const tokens = new Tokens({ secrets, clock });
  const verifier = new IdentityVerifier({ issuers, clock, log });
  const signIn = new SignIn({ verifier, callers, database, observers, clock, newFirstKey });
  return { tokens, signIn, signInBudgetMs: config.signIn.budgetMs, close: () => verifier.close() };
}
