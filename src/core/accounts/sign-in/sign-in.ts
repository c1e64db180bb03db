import { hash } from 'node:crypto';
import type { CallContext } from '../../../base/call-context.ts';
import { AppError } from '../../../base/errors.ts';
import { newId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/time.ts';
import type { Loaded } from '../../../platform/cache/index.ts';
import {
  type Batched,
  type BatchObservers,
  createBatch,
  type Database,
  FOREIGN_KEY_VIOLATION,
  sqlState,
  UNIQUE_VIOLATION,
} from '../../../platform/postgres/index.ts';
import { type CallerCache, type CallerRecord, toCallerRecord } from '../caller.ts';
import { signInErrors } from '../errors.ts';
import type { CountSignIn } from './count-sign-ins.ts';
import type { Identity, IdentityVerifier } from './identity-verifier.ts';
import { type SignInAnswer, type SignInRow, signIn } from './queries.ts';
import { deriveUsername } from './username.ts';

/** The API key that a new user gets, as it is stored, and the secret to show. */
export type FirstKey = Pick<SignInRow, 'keyId' | 'hash' | 'prefix' | 'permissions'> & { readonly secret: string };

/** What signing in needs. */
export interface SignInOptions {
  readonly verifier: IdentityVerifier;
  readonly countSignIn: CountSignIn;
  readonly callers: CallerCache;
  readonly database: Database;
  readonly observers: BatchObservers;
  readonly clock: Clock;
  readonly newFirstKey: () => FirstKey;
}

/** A request to sign in, and what a new user would like. */
export interface SignInRequest {
  readonly token: string;
  readonly username: string | null;
  readonly referralCode: string | null;
  readonly ip: string;
}

/** Whose sign-in it is; the secret of the first API key when the account was made by it. */
export interface SignInResult {
  readonly account: CallerRecord;
  readonly firstKey: string | undefined;
}

/** Of the database: somebody else took the name, or a spare one; or the referrer was erased. Asked again, that is seen. */
const violations = new Set<unknown>([UNIQUE_VIOLATION, FOREIGN_KEY_VIOLATION]);
/** Each round takes another sign-up for the same identity or name, or an erased referrer, at this very moment. */
const MAX_ROUNDS = 4;

/**
 * Finds the account of an identity, or makes it. An identity that is in the cache costs no statement, any other one, in
 * a batch with others.
 */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #signIn: Batched<SignInRow, SignInAnswer>;

  constructor(options: SignInOptions) {
    const { database, clock } = options;
    this.#options = options;
    this.#signIn = createBatch({ statement: signIn }, { ...options.observers, database, clock });
  }

  /**
   * @throws AppError 401 `auth.*` for a token that is not good or a disabled user, 400 `auth.unknown_referral_code`, 409
   *   `auth.username_taken`, 429 `auth.too_many_sign_ins`, 503 when the provider or the database cannot tell.
   */
  async signIn(request: SignInRequest, context: CallContext): Promise<SignInResult> {
    const identity = await this.#options.verifier.verify(request.token, context);
    await this.#options.countSignIn(identity);
    const result = await this.#findOrCreate(identity, request, context);
    if (result.account.isDisabled) throw signInErrors.raise.user_disabled();
    return result;
  }

  /**
   * Of those who ask for one identity at once, one asks the database, and is the one who signs up; the others find the
   * account. What that one is refused for is not their fault: they ask for themselves.
   */
  async #findOrCreate(identity: Identity, request: SignInRequest, context: CallContext): Promise<SignInResult> {
    const key = `identity:${hash('sha256', `${identity.issuer}\n${identity.subject}`, 'hex')}`;
    for (;;) {
      let firstKey: string | undefined;
      let hasAsked = false;
      const load = async (_key: string, loadContext: CallContext): Promise<Loaded<CallerRecord>> => {
        hasAsked = true;
        const made = this.#toRow(identity, request);
        const answer = await this.#ask(made.row, loadContext);
        if (answer.outcome === 'created') firstKey = made.secret;
        return toLoaded(answer);
      };
      try {
        const account = await this.#options.callers.get(key, context, load);
        if (account === undefined) throw new Error('A sign-in answered no account.');
        return { account, firstKey };
      } catch (error) {
        const isOthersFault = !hasAsked && error instanceof AppError && error.status < 500;
        if (!isOthersFault) throw error;
      }
    }
  }

  #toRow(identity: Identity, request: SignInRequest): { row: SignInRow; secret: string } {
    const { secret, ...key } = this.#options.newFirstKey();
    const { issuer, subject, email, isEmailVerified, name } = identity;
    const { username, referralCode, ip } = request;
    const names = username === null ? deriveUsername(name) : { username, spareUsername: null };
    const ids = { userId: newId(), activityId: newId() };
    const row = { issuer, subject, email, isEmailVerified, ...names, ...ids, referralCode, ip, ...key };
    return { row, secret };
  }

  async #ask(row: SignInRow, context: CallContext): Promise<SignInAnswer> {
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      try {
        const [answer] = await this.#signIn(row, context);
        if (answer !== undefined && answer.outcome !== null) return answer;
      } catch (error) {
        if (!violations.has(sqlState(error)) || round === MAX_ROUNDS) throw error;
      }
    }
    throw new Error('The account was made and gone at each attempt to sign in.');
  }
}

function toLoaded(answer: SignInAnswer): Loaded<CallerRecord> {
  const { outcome, user_id: tag, auth_version: version, loaded_at_ms: loadedAtMs } = answer;
  if (outcome === 'unknown_referral_code') {
    throw signInErrors.raise.unknown_referral_code({ param: 'referral_code' });
  }
  if (outcome === 'username_taken') throw signInErrors.raise.username_taken({ param: 'username' });
  // Nobody calls by an identity: the tokens that it gets say what they may do.
  const access = { keyId: null, permissions: [], expiresAtMs: null, ipAllowlist: null, endedSignIns: [] };
  const value = toCallerRecord(answer, access);
  return { value, tag, version, loadedAtMs };
}
