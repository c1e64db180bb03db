import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { listFaults } from '../../../base/schema-faults.ts';
import { type Config, ConfigError, type ConfigFile } from '../../../platform/config/index.ts';
import { commonAlgorithms, type Issuer, MIN_RSA_BITS, type SignatureAlgorithm, signatureAlgorithms } from './issuer.ts';

const closed = { additionalProperties: false };
const Url = Type.String({ pattern: '^https?://', description: 'a URL that starts with https:// or http://' });

const IssuerEntry = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    audience: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    jwks_url: Type.Optional(Url),
    verification_key: Type.Optional(Type.String()),
    algorithms: Type.Optional(
      Type.Array(Type.Unsafe<SignatureAlgorithm>(Type.String({ enum: [...signatureAlgorithms] })), {
        minItems: 1,
      }),
    ),
  },
  closed,
);

const IdentityFile = Type.Object({ issuers: Type.Array(IssuerEntry) }, closed);

function readPublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

const curveAlgorithms: Readonly<Record<string, SignatureAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** Whether signatures of an algorithm can be checked with a key. */
function isOf(algorithm: SignatureAlgorithm, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'rsa') return /^[RP]S/.test(algorithm) && modulusLength >= MIN_RSA_BITS;
  if (asymmetricKeyType === 'ec') return curveAlgorithms[namedCurve] === algorithm;
  return asymmetricKeyType === 'ed25519' && algorithm.startsWith('Ed');
}

/** Why no token of an issuer could be checked; undefined when one could. */
function keyProblem({ issuer, algorithms, verificationKey, jwksUrl }: Issuer): string | undefined {
  if (verificationKey === undefined) {
    const place = jwksUrl ?? issuer;
    const isUrl = /^https?:/.test(place) && URL.canParse(place);
    return isUrl ? undefined : `the keys of ${issuer} are at no URL: give its jwks_url or its verification_key`;
  }
  const key = readPublicKey(verificationKey);
  if (key === undefined) return `the verification_key of ${issuer} is not a public key in PEM`;
  if (algorithms.some((algorithm) => isOf(algorithm, key))) return undefined;
  return (
    `the verification_key of ${issuer} is of none of its algorithms, ${algorithms.join(', ')}: correct one of them; ` +
    `RSA keys have at least ${MIN_RSA_BITS} bits`
  );
}

/** The providers of an identity file. @throws ConfigError with every problem that it has. */
function readIdentityFile({ content }: ConfigFile): Issuer[] {
  const faults = listFaults(IdentityFile, content);
  if (faults.length > 0) throw new ConfigError(faults.map((fault) => `IDENTITY_FILE: ${fault}`));
  const { issuers } = content as Static<typeof IdentityFile>;
  return issuers.map(({ jwks_url, verification_key, algorithms = commonAlgorithms, ...rest }) => ({
    ...rest,
    jwksUrl: jwks_url,
    verificationKey: verification_key,
    algorithms,
  }));
}

/** Privy as its documents describe it. */
function privyOf(appId: string, verificationKey: string | undefined): Issuer {
  return {
    issuer: 'privy.io',
    audience: [appId],
    algorithms: ['ES256'],
    verificationKey,
    jwksUrl: `https://auth.privy.io/api/v1/apps/${appId}/jwks.json`,
  };
}

/**
 * The identity providers that the configuration names, those of its file included.
 * @throws ConfigError with every problem of the file.
 */
export function readIssuers(config: Config['signIn']): Issuer[] {
  const { privyAppId, privyVerificationKey, oidcIssuer, oidcAudience, oidcJwksUrl, identityFile } = config;
  const issuers: Issuer[] = [];
  if (privyAppId !== undefined) issuers.push(privyOf(privyAppId, privyVerificationKey));
  if (oidcIssuer !== undefined && oidcAudience !== undefined) {
    const algorithms = commonAlgorithms;
    issuers.push({ issuer: oidcIssuer, audience: [oidcAudience], jwksUrl: oidcJwksUrl, algorithms });
  }
  if (identityFile !== undefined) issuers.push(...readIdentityFile(identityFile));
  const problems: string[] = [];
  for (const [index, one] of issuers.entries()) {
    const isTwice = issuers.findIndex(({ issuer }) => issuer === one.issuer) < index;
    if (isTwice) problems.push(`IDENTITY_FILE: the issuer ${one.issuer} is configured twice`);
    const problem = keyProblem(one);
    if (problem !== undefined) problems.push(`IDENTITY_FILE: ${problem}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return issuers;
}
