import { createSecretKey, hash, hkdfSync, type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { isId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/time.ts';
import { NO_TOKEN_OF_OURS, signInErrors } from '../errors.ts';
import type { TokenPair } from '../schemas.ts';

/** What an access token carries of a sign-in: whose it is, and the id of its refresh tokens' family. */
export interface AccessClaims {
  readonly userId: string;
  readonly signInId: string;
}

/** What a refresh token carries besides: which of its family it is, from 0. */
export interface RefreshClaims extends AccessClaims {
  readonly generation: number;
}

/** Long enough that refreshes are rare; short, for an access token that is stolen works for so long. */
const ACCESS_SECONDS = 900;
/** Who is away for longer signs in again. */
export const REFRESH_SECONDS = 30 * 86_400;

const ISSUER = 'evenkeel';
const ALGORITHM = 'HS256';

type Kind = 'access' | 'refresh';

type Keys = Readonly<Record<Kind, KeyObject>>;

/** Different keys for different uses: one kind of token can never pass for another, whatever it says of itself. */
function deriveKeys(secret: string): Keys {
  const derive = (kind: Kind) =>
    createSecretKey(new Uint8Array(hkdfSync('sha256', secret, '', `evenkeel ${kind} token`, 32)));
  return { access: derive('access'), refresh: derive('refresh') };
}

/**
 * Signs and checks our own tokens, with keys derived from secrets that are in no database. The first secret signs, all are
 * good for checking: so a new one is put in front, and the old one taken away when its tokens have expired.
 */
export class Tokens {
  readonly #clock: Clock;
  readonly #keysById: ReadonlyMap<string, Keys>;
  readonly #signing: readonly [keyId: string, keys: Keys];

  /** @throws Error without a secret. */
  constructor({ secrets, clock }: { readonly secrets: readonly string[]; readonly clock: Clock }) {
    this.#clock = clock;
    this.#keysById = new Map(secrets.map((secret) => [keyIdOf(secret), deriveKeys(secret)]));
    const [signing] = this.#keysById;
    if (signing === undefined) throw new Error('Tokens need a secret.');
    this.#signing = signing;
  }

  /** A new access token and refresh token. Nothing is stored. */
  async issue({ userId, signInId, generation }: RefreshClaims): Promise<TokenPair> {
    const payload = { sub: userId, sid: signInId };
    const [access, refresh] = await Promise.all([
      this.#sign('access', payload, ACCESS_SECONDS),
      this.#sign('refresh', { ...payload, gen: generation }, REFRESH_SECONDS),
    ]);
    return { access_token: access, refresh_token: refresh, expires_in: ACCESS_SECONDS };
  }

  /** Whose an access token is. @throws AppError 401 `auth.invalid_token` or `auth.expired_token`. */
  async verifyAccess(token: string): Promise<AccessClaims> {
    const { sub, sid } = await this.#verify('access', token);
    return { userId: toId(sub), signInId: toId(sid) };
  }

  /** What a refresh token carries. @throws AppError 401 `auth.invalid_token` or `auth.expired_token`. */
  async verifyRefresh(token: string): Promise<RefreshClaims> {
    const { sub, sid, gen } = await this.#verify('refresh', token);
    return { userId: toId(sub), signInId: toId(sid), generation: Number(gen) };
  }

  #sign(kind: Kind, payload: JWTPayload, lifeSeconds: number): Promise<string> {
    const nowSeconds = Math.floor(this.#clock.now().getTime() / 1000);
    const [keyId, keys] = this.#signing;
    return new SignJWT(payload)
      .setProtectedHeader({ alg: ALGORITHM, typ: typeOf(kind), kid: keyId })
      .setIssuer(ISSUER)
      .setIssuedAt(nowSeconds)
      .setExpirationTime(nowSeconds + lifeSeconds)
      .sign(keys[kind]);
  }

  async #verify(kind: Kind, token: string): Promise<JWTPayload> {
    try {
      const keys = this.#keysById.get(decodeProtectedHeader(token).kid ?? '');
      if (keys === undefined) throw new errors.JWKSNoMatchingKey();
      const { payload } = await jwtVerify(token, keys[kind], {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        typ: typeOf(kind),
        requiredClaims: ['exp', 'sub', 'sid'],
        currentDate: this.#clock.now(),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw signInErrors.raise.expired_token({ cause: error });
      throw signInErrors.raise.invalid_token({ why: NO_TOKEN_OF_OURS }, { cause: error });
    }
  }
}

const typeOf = (kind: Kind): string => `${kind}+jwt`;

function keyIdOf(secret: string): string {
  return hash('sha256', `evenkeel key id ${secret}`, 'base64url').slice(0, 8);
}

/** We signed it, so it is what we put there; a token of another version of ours may differ. */
function toId(claim: unknown): string {
  if (typeof claim !== 'string' || !isId(claim)) throw signInErrors.raise.invalid_token({ why: NO_TOKEN_OF_OURS });
  return claim;
}
