import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** An app at Privy, as its documents describe the tokens: ES256, issuer `privy.io`, audience the app. */
export interface PrivyApp {
  /** What the server's configuration says of it. */
  readonly variables: Record<string, string>;
  /** A good token of a user, or one that differs from that in its claims. */
  token(subject: string, claims?: JWTPayload): Promise<string>;
}

const APP_ID = 'test-app';
const LIFE_SECONDS = 3_600;

/** Makes an app with a key of its own. */
export async function createPrivyApp(): Promise<PrivyApp> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    variables: {
      PRIVY_APP_ID: APP_ID,
      PRIVY_VERIFICATION_KEY: await exportSPKI(publicKey),
      AUTH_SECRETS: 'a-secret-of-the-tests-that-is-long-enough',
    },
    token: (subject, claims = {}) =>
      new SignJWT({ ...privyClaims(subject), ...claims })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
        .sign(privateKey),
  };
}

/** The claims of a good token. */
function privyClaims(subject: string): JWTPayload {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    iss: 'privy.io',
    aud: APP_ID,
    sub: `did:privy:${subject}`,
    sid: `session-${subject}`,
    iat: nowSeconds,
    exp: nowSeconds + LIFE_SECONDS,
  };
}
