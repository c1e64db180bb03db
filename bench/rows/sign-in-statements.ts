import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Bench } from '../frame/bench.ts';
import type { LoadRequest } from '../load/plan.ts';
import { expectAnswer } from '../stage/ask.ts';
import { countPerRequest } from './statements.ts';

const SIGN_INS = 100;
const APP_ID = 'bench';
const TOKEN_SECONDS = 3_600;

/** A token of the identity provider Privy, as its documents describe it: ES256, issuer `privy.io`, audience the app. */
function identityToken(subject: string, key: KeyObject): string {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const claims = {
    iss: 'privy.io',
    aud: APP_ID,
    sub: `did:privy:${subject}`,
    sid: `session-${subject}`,
    iat: nowSeconds,
    exp: nowSeconds + TOKEN_SECONDS,
  };
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

/** How many statements a sign-in takes: of a user in the cache, of one who is not, of a new one with a referral. */
export const signInStatements: Bench = {
  name: 'sign-in-statements',
  async measure(stage) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const variables = { PRIVY_APP_ID: APP_ID, PRIVY_VERIFICATION_KEY: pem };
    const start = () => stage.startProduct({ variables, flags: ['--no-jobs'] });
    await using warm = await start();
    await using cold = await start();
    const signIn = (subject: string, expectedStatus: number, rest: object = {}): LoadRequest => {
      const body = { token: identityToken(subject, privateKey), ...rest };
      return { method: 'POST', path: '/api/auth', body, expectedStatus };
    };
    const referrer = (await expectAnswer(warm.port, signIn('referrer', 201))).body;
    const select = 'select referral_code from users where user_id = $1';
    const { rows } = await stage.database.query<{ referral_code: string }>(select, [referrer.user.id]);
    const code = rows[0]?.referral_code;
    const subjects = Array.from({ length: SIGN_INS }, (_, index) => `user-${index}`);
    const signUps = subjects.map((subject) => signIn(subject, 201, { referral_code: code }));
    const signIns = subjects.map((subject) => signIn(subject, 200));
    const { port } = warm;
    return [
      await countPerRequest(stage, { name: 'sign-up with referral', port, requests: signUps, limit: 1 }),
      await countPerRequest(stage, { name: 'sign-in hit', port, requests: signIns, limit: 0 }),
      await countPerRequest(stage, { name: 'sign-in miss', port: cold.port, requests: signIns, limit: 1 }),
    ];
  },
};
