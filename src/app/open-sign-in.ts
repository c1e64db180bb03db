import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/time.ts';
import {
  type CountFailures,
  createFailureCount,
  createSignInCount,
  IdentityVerifier,
  type Issuer,
  readIssuers,
  SignIn,
  Tokens,
} from '../core/accounts/index.ts';
import { newFirstKey } from '../core/keys/index.ts';
import type { Config } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Database } from '../platform/postgres/index.ts';
import { ensureAuthSecrets } from './auth-secrets.ts';
import type { ServerMetrics } from './metrics/server-metrics.ts';
import type { Callers } from './open-callers.ts';
import type { Limits } from './open-limits.ts';

/** What sign-in is put together from. */
export interface SignInParts {
  readonly issuers: readonly Issuer[];
  /** Our tokens are signed with the first, and good when signed with any. */
  readonly secrets: readonly string[];
  readonly database: Database;
  readonly metrics: Pick<ServerMetrics, 'statements'>;
  readonly callers: Pick<Callers, 'cache'>;
  readonly limits: Pick<Limits, 'limiter'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What signs users in and checks our tokens. */
export interface SignInService {
  readonly tokens: Tokens;
  readonly signIn: SignIn;
  readonly countFailures: CountFailures;
  readonly signInBudgetMs: number;
  close(): Promise<void>;
}

/**
 * Reads what sign-in needs of files: identity providers, and secrets. Without any provider, no token of one is good, and ours
 * are signed with a secret that nobody keeps.
 *
 * @throws Error that names the variable whose file is wrong or cannot be had.
 */
export function readSignIn(config: Config, log: Logger): Pick<SignInParts, 'issuers' | 'secrets'> {
  const issuers = readIssuers(config.signIn);
  return { issuers, secrets: issuers.length > 0 ? ensureAuthSecrets(config, log) : [randomUUID()] };
}

/** Opens sign-in with identity providers. */
export function openSignIn(config: Config, parts: SignInParts): SignInService {
  const { issuers, secrets, database, metrics, callers, limits, clock, log } = parts;
  const tokens = new Tokens({ secrets, clock });
  const verifier = new IdentityVerifier({ issuers, clock, log });
  const observers = metrics.statements.batches;
  const countSignIn = createSignInCount(limits.limiter);
  const signIn = new SignIn({ verifier, countSignIn, callers: callers.cache, database, observers, clock, newFirstKey });
  const countFailures = createFailureCount(limits.limiter);
  return { tokens, signIn, countFailures, signInBudgetMs: config.signIn.budgetMs, close: () => verifier.close() };
}
