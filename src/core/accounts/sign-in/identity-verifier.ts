import { createPublicKey } from 'node:crypto';
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import type { CallContext } from '../../../base/call-context.ts';
import type { Deadline } from '../../../base/deadline.ts';
import type { AppError } from '../../../base/errors.ts';
import type { Clock } from '../../../base/time.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { signInErrors } from '../errors.ts';
import { createJsonFetcher, type JsonFetcher } from './fetch-json.ts';
import type { Issuer } from './issuer.ts';
import { IssuerKeys, type IssuerKeysOptions } from './issuer-keys.ts';
import { whyRefused } from './why-refused.ts';

/** Who a token says that its bearer is. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly isEmailVerified: boolean;
  /** The name by which the provider knows them, if it tells; not checked, not unique. */
  readonly name: string | undefined;
}

/** What verifying needs. */
export interface IdentityVerifierOptions {
  readonly issuers: readonly Issuer[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** How far the clocks of a provider and of this server may be apart. */
const LEEWAY_SECONDS = 30;
/** OIDC's own bound of a subject. */
const MAX_SUBJECT_CHARS = 255;
/** The longest address that mail can be sent to (RFC 5321, 4.5.3.1.3). */
const MAX_EMAIL_CHARS = 254;
/** One address, of whatever script: nothing that makes several of it, names its owner, or cannot be seen. */
const EMAIL = /^[^\p{C}\s,;:()<>"@]+@[^\p{C}\s,;:()<>"@]+$/u;
const KEY_ID = /^[\x21-\x7e]{1,256}$/;
const TOKEN_TYPE = /^(?:application\/)?(?:at\+)?jwt$/i;
/** Headers by which a token would bring its own key, or say where to fetch it. */
const OWN_KEY_HEADERS = ['jku', 'jwk', 'x5u', 'x5c'];

interface TrustedIssuer {
  readonly issuer: Issuer;
  readonly getKey: (deadline: Deadline) => JWTVerifyGetKey;
}

/** Checks tokens of the configured identity providers, and of nobody else. */
export class IdentityVerifier {
  readonly #clock: Clock;
  readonly #fetcher: JsonFetcher = createJsonFetcher();
  readonly #issuers = new Map<string, TrustedIssuer>();

  constructor({ issuers, clock, log }: IdentityVerifierOptions) {
    this.#clock = clock;
    const { fetchJson } = this.#fetcher;
    for (const issuer of issuers) {
      this.#issuers.set(issuer.issuer, { issuer, getKey: keySource(issuer, { fetchJson, clock, log }) });
    }
  }

  /**
   * Who the bearer of a token is.
   * @throws AppError 401 `auth.invalid_token` or `auth.expired_token`; 503 `auth.issuer_unavailable` when the provider's
   *   keys cannot be had; the deadline's reason.
   */
  async verify(token: string, { deadline, timings }: CallContext): Promise<Identity> {
    const startedMs = this.#clock.monotonicMs();
    const { issuer, getKey } = this.#trustedIssuerOf(token);
    try {
      const { payload } = await this.#verifyBy(token, issuer, getKey(deadline));
      return toIdentity(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw signInErrors.raise.expired_token({ cause: error });
      const isAtFault = error instanceof errors.JOSEError || error instanceof TypeError;
      throw isAtFault ? signInErrors.raise.invalid_token({ why: whyRefused(error, issuer) }, { cause: error }) : error;
    } finally {
      timings.add('identity', this.#clock.monotonicMs() - startedMs);
    }
  }

  /** Ends what is being read of providers. */
  close(): Promise<void> {
    return this.#fetcher.close();
  }

  /** The issuer that a token names, when it is one of ours and the token is made as one of its would be. */
  #trustedIssuerOf(token: string): TrustedIssuer {
    const { header, iss = '' } = decode(token);
    const { kid, typ = 'JWT' } = header;
    const bringsKey = OWN_KEY_HEADERS.some((name) => name in header);
    const isKeyId = kid === undefined || (typeof kid === 'string' && KEY_ID.test(kid));
    const isTokenType = typeof typ === 'string' && TOKEN_TYPE.test(typ);
    const isHeaderFine = !bringsKey && isKeyId && isTokenType;
    if (!isHeaderFine) throw refuse('Its header has a "typ", a "kid" or a key that is not accepted.');
    const trusted = this.#issuers.get(iss);
    if (trusted !== undefined) return trusted;
    throw refuse(
      'Its "iss" is no configured issuer: they must be the same to the letter, and to the slash at the end.',
    );
  }

  async #verifyBy(token: string, issuer: Issuer, getKey: JWTVerifyGetKey): Promise<JWTVerifyResult> {
    const options: JWTVerifyOptions = {
      algorithms: [...issuer.algorithms],
      issuer: issuer.issuer,
      audience: [...issuer.audience],
      requiredClaims: ['sub', 'exp'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: this.#clock.now(),
    };
    try {
      return await jwtVerify(token, getKey, options);
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      return await verifyByAny(token, error, options);
    }
  }
}

const refuse = (why: string, cause?: unknown): AppError => signInErrors.raise.invalid_token({ why }, { cause });

/** What a token says of itself, not checked. */
function decode(token: string): { header: ProtectedHeaderParameters; iss?: string | undefined } {
  try {
    return { header: decodeProtectedHeader(token), iss: decodeJwt(token).iss };
  } catch (error) {
    throw refuse('It is no signed JWT: send the ID token, or an access token that is one.', error);
  }
}

/** Of keys that all match, whichever signed it: a provider may list one twice, or name none in its tokens. */
async function verifyByAny(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  for await (const key of keys) {
    try {
      return await jwtVerify(token, key, options);
    } catch (error) {
      // A TypeError is of a key that is no good for the algorithm, such as an old one that is too short: another may be.
      const isOfKey = error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError;
      if (!isOfKey) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** Where the keys of an issuer come from: the one that is pinned, or what it publishes. */
function keySource(issuer: Issuer, options: Omit<IssuerKeysOptions, 'issuer'>): TrustedIssuer['getKey'] {
  if (issuer.verificationKey !== undefined) {
    const key = createPublicKey(issuer.verificationKey);
    return () => () => key;
  }
  const keys = new IssuerKeys({ ...options, issuer });
  return (deadline) => (header, token) => keys.find(header, token, deadline);
}

function textClaim(value: unknown, maxChars: number): string | undefined {
  // Postgres stores no NUL, and a half of a surrogate pair is no character.
  const isText = typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
  return isText && value.length > 0 && value.length <= maxChars ? value : undefined;
}

function toIdentity({ iss = '', sub, ...claims }: JWTPayload): Identity {
  const subject = textClaim(sub, MAX_SUBJECT_CHARS);
  // A logout token has the same issuer, audience and signature (RFC 8417).
  if (claims.events !== undefined) throw refuse('It tells of an event, as a logout token does.');
  if (subject === undefined) throw refuse('Its "sub" is empty, too long or no text.');
  const claimedEmail = textClaim(claims.email, MAX_EMAIL_CHARS);
  const email = claimedEmail !== undefined && EMAIL.test(claimedEmail) ? claimedEmail : null;
  return {
    issuer: iss,
    subject,
    email,
    // Apple writes it as text.
    isEmailVerified: email !== null && (claims.email_verified === true || claims.email_verified === 'true'),
    name: textClaim(claims.preferred_username, 200) ?? textClaim(claims.nickname, 200),
  };
}
