/** How tokens are signed that may be accepted at all: with a key pair, so that who can check one cannot make one. */
export const signatureAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;

export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** RFC 7518, 3.3: a shorter key of RSA is none. */
export const MIN_RSA_BITS = 2_048;

/** An identity provider whose tokens sign in. */
export interface Issuer {
  /** The `iss` of its tokens, to the letter. */
  readonly issuer: string;
  /** What `aud` must hold: one of these. */
  readonly audience: readonly string[];
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Its one key, in PEM. Without it the keys are at `jwksUrl`; without that, where discovery says. */
  readonly verificationKey?: string | undefined;
  readonly jwksUrl?: string | undefined;
}

/** What OIDC providers sign with, when it is not said which. */
export const commonAlgorithms: readonly SignatureAlgorithm[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
