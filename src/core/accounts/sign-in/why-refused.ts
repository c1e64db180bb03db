import { errors } from 'jose';
import type { Issuer } from './issuer.ts';

type Expected = Pick<Issuer, 'algorithms' | 'audience'>;

/** The claims are looked at after the signature: only who has a token of the issuer is told the audience. */
function whyClaimRefused({ claim, reason }: errors.JWTClaimValidationFailed, { audience }: Expected): string {
  if (claim === 'nbf' && reason === 'check_failed') {
    return 'It is not valid yet: the clock of its issuer is ahead of that of this server.';
  }
  const fault = `Its "${claim}" is ${reason === 'missing' ? 'missing' : 'not right'}`;
  return claim === 'aud' ? `${fault}: it must have ${audience.join(' or ')}.` : `${fault}.`;
}

/** Why jose refused a token of an issuer, in a sentence that quotes nothing of the token. */
export function whyRefused(error: unknown, expected: Expected): string {
  if (error instanceof errors.JOSEAlgNotAllowed) return `It must be signed by ${expected.algorithms.join(' or ')}.`;
  if (error instanceof errors.JWTClaimValidationFailed) return whyClaimRefused(error, expected);
  if (error instanceof errors.JWKSInvalid)
    return 'The key of its issuer cannot be used, as the log of this server says.';
  const isUnsigned =
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWSSignatureVerificationFailed ||
    // Of a key that is no good for the algorithm.
    error instanceof TypeError;
  return isUnsigned ? 'No key of its issuer signed it.' : 'Its form is not right.';
}
