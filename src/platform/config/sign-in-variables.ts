import { milliseconds } from './milliseconds.ts';
import { list, optionalEcPublicKey, optionalFile, optionalText, optionalUrl } from './variable.ts';

/** Whether a text is hard enough to guess to sign tokens with. */
export const isSigningSecret = (text: string): boolean => /^[\x21-\x7e]{32,}$/.test(text);

/** The variables of signing in. */
export const signInVariables = {
  budgetMs: milliseconds('SIGN_IN_BUDGET_MS', 8_000, 'Time that a sign-in, a refresh or a sign-out has.'),
  secrets: list({
    name: 'AUTH_SECRETS',
    items: 'secrets of at least 32 visible ASCII characters',
    isItem: isSigningSecret,
    secret: true,
    sentence:
      'What our tokens are signed with: the first signs, all are good for checking. The same on every server. Without it, one is made and kept in `DATA_DIR/auth-secret`.',
  }),
  privyAppId: optionalText({
    name: 'PRIVY_APP_ID',
    pattern: /^[\w-]{1,100}$/,
    kind: 'an app id of letters, digits, _ and -',
    sentence: 'The app at Privy whose tokens sign in.',
  }),
  privyVerificationKey: optionalEcPublicKey({
    name: 'PRIVY_VERIFICATION_KEY',
    sentence: "That app's verification key. Without it the keys are read from Privy.",
  }),
  oidcIssuer: optionalUrl({
    name: 'OIDC_ISSUER',
    schemes: ['https', 'http'],
    sentence: 'OpenID Connect provider whose tokens sign in, to the letter as in their `iss`.',
  }),
  oidcAudience: optionalText({
    name: 'OIDC_AUDIENCE',
    pattern: /^[\x21-\x7e]{1,500}$/,
    kind: 'an audience of visible ASCII characters without spaces',
    sentence: 'What must be in the `aud` of its tokens: usually the client id.',
  }),
  oidcJwksUrl: optionalUrl({
    name: 'OIDC_JWKS_URL',
    schemes: ['https', 'http'],
    sentence: 'Where its keys are. Without it, where its discovery document says.',
  }),
  identityFile: optionalFile({
    name: 'IDENTITY_FILE',
    sentence: 'YAML or JSON file with more identity providers: docs/guides/signing-in.md.',
  }),
};
