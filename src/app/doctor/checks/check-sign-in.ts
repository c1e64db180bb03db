import { readIssuers } from '../../../core/accounts/index.ts';
import { type Check, fine } from '../finding.ts';

/** Whether the identity providers are what a server starts with. They are not asked. */
export const checkSignIn: Check = {
  name: 'sign-in',
  run({ config }) {
    const issuers = readIssuers(config.signIn).map(({ issuer }) => issuer);
    return [fine(issuers.length > 0 ? `by tokens of ${issuers.join(', ')}` : 'by no identity provider; API keys work')];
  },
};
