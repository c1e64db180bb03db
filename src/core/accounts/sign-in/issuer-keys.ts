import { setTimeout as sleep } from 'node:timers/promises';
import { type CompactJWSHeaderParameters, errors, type FlattenedJWSInput, type LocalJWKSet } from 'jose';
import { DAY_MS } from '../../../base/days.ts';
import type { Deadline } from '../../../base/deadline.ts';
import type { Clock } from '../../../base/time.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { signInErrors } from '../errors.ts';
import { type Issuer, MIN_RSA_BITS } from './issuer.ts';
import { discoverKeys, readKeys } from './read-keys.ts';

/** What the keys of an issuer need. */
export interface IssuerKeysOptions {
  readonly issuer: Pick<Issuer, 'issuer' | 'jwksUrl'>;
  readonly fetchJson: (url: string) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Keys older than this are read again before they serve: a key that the issuer withdrew is refused after so long. */
const FRESH_MS = 600_000;
/** While the issuer does not answer, the last keys serve for so long. */
const STALE_MS = DAY_MS;
/** With keys to serve by, whatever tokens name, the issuer is asked no more often than this. */
const COOLDOWN_MS = 30_000;
/**
 * With keys to serve by, nobody waits longer than this for newer ones. An issuer that is well answers sooner, so that a key
 * that it withdrew is refused at once; with more, every sign-in would wait for one that is frozen.
 */
const PATIENCE_MS = 500;
/** Without any, a try may come sooner: everybody waits for it. */
const COLD_COOLDOWN_MS = 1_000;

/**
 * The public keys of an identity provider. Those it has now are kept for ten minutes, and for a day while it does not
 * answer: then sign-ins wait for it at most half a second. A token that names an unknown key has them read again, at most
 * once in 30 s, whoever asks.
 *
 * Our own rather than jose's remote set, which counts its cooldown from the last success: there an issuer that is down is
 * asked by every token.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #jwksUrl: string | undefined;
  #keys: LocalJWKSet | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #hasFailed = false;
  #isFaultTold = false;
  #reading: { readonly done: Promise<void>; readonly patience: Promise<void> } | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
    this.#jwksUrl = options.issuer.jwksUrl;
  }

  /**
   * The key that a token names.
   * @throws jose's `JWKSNoMatchingKey` when the issuer has none such, `JWKSMultipleMatchingKeys` when it has several,
   *   `JWKSInvalid` when it is no key; AppError 503 `auth.issuer_unavailable` when that cannot be told; the deadline's reason.
   */
  async find(header: CompactJWSHeaderParameters, token: FlattenedJWSInput, deadline: Deadline) {
    const ageMs = this.#ageMs();
    if (ageMs >= FRESH_MS) await this.#read(deadline, { isBrief: ageMs < STALE_MS });
    try {
      return await this.#pick(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#read(deadline, { isBrief: false });
    if (this.#hasFailed) throw signInErrors.raise.issuer_unavailable();
    return await this.#pick(header, token);
  }

  async #pick(header: CompactJWSHeaderParameters, token: FlattenedJWSInput) {
    const keys = this.#usable();
    try {
      const key = await keys(header, token);
      // As jose finds at each token, too late to tell of it.
      const { modulusLength = MIN_RSA_BITS } = key.algorithm as { modulusLength?: number };
      if (modulusLength < MIN_RSA_BITS) throw new Error(`an RSA key of ${modulusLength} bits is too short`);
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      // What importing a key throws depends on what is wrong with it, and is not always jose's.
      this.#tellFault(error);
      throw new errors.JWKSInvalid('the key cannot be used', { cause: error });
    }
  }

  /** Once for all the tokens that name a bad key, until the keys are read again. */
  #tellFault(error: unknown): void {
    const { issuer, log } = this.#options;
    if (!this.#isFaultTold)
      log.warn({ err: error, issuer: issuer.issuer }, 'a key of an identity provider cannot be used');
    this.#isFaultTold = true;
  }

  #ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#readAtMs;
  }

  #usable(): LocalJWKSet {
    if (this.#keys === undefined || this.#ageMs() >= STALE_MS) throw signInErrors.raise.issuer_unavailable();
    return this.#keys;
  }

  /**
   * Reads the keys again, unless that was tried a moment ago. What goes wrong is told by `#hasFailed`. It goes on when nobody
   * waits for it any more, so that a key that was withdrawn is refused once the issuer has answered.
   */
  async #read(deadline: Deadline, { isBrief }: { isBrief: boolean }): Promise<void> {
    const cooldownMs = this.#ageMs() < STALE_MS ? COOLDOWN_MS : COLD_COOLDOWN_MS;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#reading === undefined && nowMs - this.#triedAtMs >= cooldownMs) {
      this.#triedAtMs = nowMs;
      const done = this.#fetch().finally(() => {
        this.#reading = undefined;
      });
      // Counted from here: of those who come while it lasts, only the first ones wait.
      this.#reading = { done, patience: sleep(PATIENCE_MS, undefined, { ref: false }) };
    }
    if (this.#reading === undefined) return;
    const { done, patience } = this.#reading;
    await deadline.race(isBrief ? Promise.race([done, patience]) : done);
  }

  async #fetch(): Promise<void> {
    const { issuer, fetchJson, clock, log } = this.#options;
    try {
      this.#jwksUrl ??= await discoverKeys(issuer.issuer, fetchJson);
      this.#keys = await readKeys(this.#jwksUrl, fetchJson);
      this.#readAtMs = clock.monotonicMs();
      this.#hasFailed = false;
      this.#isFaultTold = false;
    } catch (error) {
      this.#hasFailed = true;
      // Discovery may tell another place by now.
      this.#jwksUrl = issuer.jwksUrl;
      log.warn({ err: error, issuer: issuer.issuer }, 'the keys of an identity provider cannot be read');
    }
  }
}
