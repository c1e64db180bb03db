import { createPublicKey } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { listFaults } from '../../../base/schema-faults.ts';
import { type Config, ConfigError, type ConfigFile } from '../../../platform/config/index.ts';
import { commonAlgorithms, type Issuer, signatureAlgorithms } from './issuer.ts';

const closed = { additionalProperties: false };
const Url = Type.String({ pattern: '^https?://' });

const IssuerEntry = Type.Object(
  {
    issuer: Type.String({ minLength: 1 }),
    audience: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    jwks_url: Type.Optional(Url),
    verification_key: Type.Optional(Type.String()),
    algorithms: Type.Optional(
      Type.Array(Type.Unsafe<(typeof signatureAlgorithms)[number]>(Type.String({ enum: [...signatureAlgorithms] })), {
        minItems: 1,
      }),
    ),
  },
  closed,
);

const IdentityFile = Type.Object({ issuers: Type.Array(IssuerEntry) }, closed);

function isPublicKey(pem: string): boolean {
  try {
    createPublicKey(pem);
    return true;
  } catch {
    return false;
  }
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
  for (const [index, { issuer, verificationKey }] of issuers.entries()) {
    const isTwice = issuers.findIndex((other) => other.issuer === issuer) < index;
    if (isTwice) problems.push(`IDENTITY_FILE: the issuer ${issuer} is configured twice`);
    if (verificationKey !== undefined && !isPublicKey(verificationKey)) {
      problems.push(`IDENTITY_FILE: the verification_key of ${issuer} is not a public key in PEM`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return issuers;
}
