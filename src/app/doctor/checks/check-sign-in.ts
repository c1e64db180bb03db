import { type Issuer, inspectIssuer, readIssuers } from '../../../core/accounts/index.ts';
import { type Check, fine, type Observation, SERVICE_BOUND_MS, unreached } from '../finding.ts';

async function examineIssuer({ issuer, jwksUrl, verificationKey }: Issuer): Promise<Observation> {
  if (verificationKey !== undefined) return fine(`by tokens of ${issuer}, by the key that is configured`);
  try {
    const keys = await inspectIssuer({ issuer, jwksUrl }, SERVICE_BOUND_MS);
    return fine(`by tokens of ${issuer}, which has ${keys === 1 ? 'one key' : `${keys} keys`}`);
  } catch (error) {
    return unreached(
      `the keys of ${issuer} cannot be had`,
      error,
      'Write the issuer, and its jwks_url if it has one, exactly as the provider does, and mend the network from here to there; ' +
        'sign-ins are answered 503 until a server has read them.',
    );
  }
}

/** Whether the identity providers are what a server starts with, and the keys of each can be had. */
export const checkSignIn: Check = {
  name: 'sign-in',
  async run({ config }) {
    const issuers = readIssuers(config.signIn);
    if (issuers.length === 0) return [fine('by no identity provider; API keys work')];
    return await Promise.all(issuers.map(examineIssuer));
  },
};
