import { createHmac, generateKeyPairSync } from 'node:crypto';
import { exportSPKI, importJWK, type JWTPayload, SignJWT } from 'jose';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { testContext } from '../../../../test/harness/test-context.ts';
import { AUDIENCE, type IssuerMode, startTestIssuer, type TestIssuer } from '../../../../test/harness/test-issuer.ts';
import type { AppError } from '../../../base/errors.ts';
import type { Clock } from '../../../base/time.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { IdentityVerifier } from './identity-verifier.ts';
import type { Issuer } from './issuer.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

let aheadMs: number;
/** The machine's clock, set forward. */
const clock: Clock = {
  now: () => new Date(Date.now() + aheadMs),
  monotonicMs: () => performance.now() + aheadMs,
};

let issuer: TestIssuer;

beforeEach(async () => {
  aheadMs = 0;
  issuer = await startTestIssuer(() => clock.now().getTime());
  return () => issuer.close();
});

function open(changes: Partial<Issuer> = {}): IdentityVerifier {
  const trusted: Issuer = { issuer: issuer.issuer, audience: [AUDIENCE], algorithms: ['RS256'], ...changes };
  const verifier = new IdentityVerifier({ issuers: [trusted], clock, log: createLogger({ level: 'silent' }) });
  onTestFinished(() => verifier.close());
  return verifier;
}

/** The subject of a token, or the code that it is refused with. */
async function outcomeOf(verifier: IdentityVerifier, token: string, budgetMs = 8_000): Promise<string> {
  return await verifier.verify(token, testContext(budgetMs)).then(
    ({ subject }) => subject,
    (error: AppError) => error.code ?? error.name,
  );
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with another header and the signature that a forger can make. */
function forge(header: object, claims: object, sign: (signed: string) => string): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign(signed)}`;
}

function goodClaims(): JWTPayload {
  const nowSeconds = Math.floor(clock.now().getTime() / 1000);
  return { iss: issuer.issuer, aud: AUDIENCE, sub: 'ann', exp: nowSeconds + 600 };
}

test('a token tells who its bearer is, and what the provider says of them', async () => {
  const token = await issuer.token({ email: 'a@example.com', email_verified: true, preferred_username: 'Ann' });
  expect(await open().verify(token, testContext())).toEqual({
    issuer: issuer.issuer,
    subject: 'ann',
    email: 'a@example.com',
    isEmailVerified: true,
    name: 'Ann',
  });
});

test.each(['José.Ö@bücher.example', "o'hara+tag@example.com"])('%s is an address', async (email) => {
  const token = await issuer.token({ email, email_verified: true });
  expect(await open().verify(token, testContext())).toMatchObject({ email, isEmailVerified: true });
});

test.each([
  'nobody',
  'a@b@example.com',
  'a@example.com, b@example.com',
  'Ann <a@example.com>',
  ' a@example.com',
  'a@example.com\r\nBcc: b@example.com',
  'a@example.com\u202e',
  `${'a'.repeat(243)}@example.com`,
  ['a@example.com'],
  5,
])('what is no address, such as %j, is not taken for one', async (email) => {
  const token = await issuer.token({ email, email_verified: true });
  expect(await open().verify(token, testContext())).toMatchObject({ email: null, isEmailVerified: false });
});

test.each([
  [undefined, false],
  [false, false],
  ['false', false],
  [1, false],
  // As of Apple.
  ['true', true],
])('an address whose email_verified is %j: %s', async (claim, isVerified) => {
  const token = await issuer.token({ email: 'a@example.com', email_verified: claim });
  expect((await open().verify(token, testContext())).isEmailVerified).toBe(isVerified);
});

describe('refused with 401 is a token', () => {
  const claims: [string, (good: JWTPayload) => JWTPayload][] = [
    ['for another audience', () => ({ aud: 'someone-else' })],
    ['for no audience', () => ({ aud: undefined }) as unknown as JWTPayload],
    ['of another issuer', () => ({ iss: 'https://evil.example.com' })],
    ['of the issuer with a slash', ({ iss }) => ({ iss: `${iss}/` })],
    ['without an issuer', () => ({ iss: undefined }) as unknown as JWTPayload],
    ['without an expiry', () => ({ exp: undefined }) as unknown as JWTPayload],
    ['with an expiry that is no number', () => ({ exp: 'tomorrow' }) as unknown as JWTPayload],
    ['not valid yet', ({ exp = 0 }) => ({ nbf: exp })],
    ['without a subject', () => ({ sub: undefined }) as unknown as JWTPayload],
    ['with an empty subject', () => ({ sub: '' })],
    ['with a subject of a kilobyte', () => ({ sub: 'x'.repeat(1_024) })],
    ['with a NUL in its subject', () => ({ sub: 'a\0b' })],
    ['with half a surrogate pair in its subject', () => ({ sub: 'a\ud800' })],
    ['that logs out', () => ({ events: { 'http://schemas.openid.net/event/backchannel-logout': {} } })],
  ];
  test.each(claims)('%s', async (_name, change) => {
    expect(await outcomeOf(open(), await issuer.token(change(goodClaims())))).toBe('auth.invalid_token');
  });

  test('that has expired, to half a minute', async () => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    expect(await outcomeOf(open(), await issuer.token({ exp: nowSeconds - 20 }))).toBe('ann');
    expect(await outcomeOf(open(), await issuer.token({ exp: nowSeconds - 61 }))).toBe('auth.expired_token');
  });

  const headers: [string, object][] = [
    ['that names where its key is (jku)', { jku: 'https://evil.example.com/jwks' }],
    ['that names where its certificate is (x5u)', { x5u: 'https://evil.example.com/x.pem' }],
    ['that brings a certificate (x5c)', { x5c: ['MII'] }],
    ['that brings its key (jwk)', { jwk: { kty: 'RSA', n: 'x', e: 'AQAB' } }],
    ['of another type', { typ: 'logout+jwt' }],
    ['whose type is a list', { typ: ['JWT'] }],
    ['whose key id is a path', { kid: '../../../../dev/null' }],
    ['whose key id is SQL', { kid: "x' or '1'='1" }],
    ['whose key id has 10 kB', { kid: 'k'.repeat(10_240) }],
    ['whose key id is no text', { kid: 7 }],
  ];
  test.each(headers)('%s', async (_name, header) => {
    expect(await outcomeOf(open(), await issuer.token({}, header))).toBe('auth.invalid_token');
    expect(issuer.asked.jwks).toBeLessThanOrEqual(1);
  });

  test('with a critical header that we do not know', async () => {
    const token = await new SignJWT(goodClaims())
      .setProtectedHeader({ alg: 'RS256', kid: 'key-0', crit: ['magic'], magic: 1 })
      .sign(issuer.key.privateKey, { crit: { magic: true } });
    expect(await outcomeOf(open(), token)).toBe('auth.invalid_token');
  });

  test('that is not signed', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      expect(
        await outcomeOf(
          open(),
          forge({ alg, kid: 'key-0' }, goodClaims(), () => ''),
        ),
      ).toBe('auth.invalid_token');
    }
  });

  test('signed with the public key as a shared secret', async () => {
    const publicKey = await importJWK(issuer.key.publicJwk, 'RS256', { extractable: true });
    const pem = await exportSPKI(publicKey as Parameters<typeof exportSPKI>[0]);
    const hmac = (signed: string) => createHmac('sha256', pem).update(signed).digest('base64url');
    const token = forge({ alg: 'HS256', kid: 'key-0' }, goodClaims(), hmac);
    expect(await outcomeOf(open(), token)).toBe('auth.invalid_token');
    const pinned = open({ verificationKey: pem });
    expect(await outcomeOf(pinned, token)).toBe('auth.invalid_token');
    expect(await outcomeOf(pinned, await issuer.token())).toBe('ann');
  });

  test('signed as the issuer does not', async () => {
    expect(await outcomeOf(open({ algorithms: ['ES256'] }), await issuer.token())).toBe('auth.invalid_token');
    expect(await outcomeOf(open({ algorithms: ['PS256'] }), await issuer.token())).toBe('auth.invalid_token');
  });

  test('signed with another key, or altered', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await new SignJWT(goodClaims()).setProtectedHeader({ alg: 'RS256', kid: 'key-0' }).sign(privateKey);
    const [head, , signature] = (await issuer.token()).split('.');
    const altered = `${head}.${encode({ ...goodClaims(), sub: 'bob' })}.${signature}`;
    for (const token of [forged, altered]) expect(await outcomeOf(open(), token)).toBe('auth.invalid_token');
  });

  test.each(['', '.', '..', 'x.y.z', 'eyJ', 'e30.e30.', 'ek_x', '\u0000', '"'])('that is %j', async (token) => {
    expect(await outcomeOf(open(), token)).toBe('auth.invalid_token');
    expect(issuer.asked).toEqual({ discovery: 0, jwks: 0 });
  });
});

describe('the keys of an issuer', () => {
  test('are asked for once by a thousand tokens that name unknown ones, and again after 30 s', async () => {
    const verifier = open();
    const flood = async () => {
      const tokens = Array.from({ length: 1_000 }, (_, index) =>
        forge({ alg: 'RS256', kid: `unknown-${index}` }, goodClaims(), () => 'AAAA'),
      );
      return new Set(await Promise.all(tokens.map((token) => outcomeOf(verifier, token))));
    };
    expect(await flood()).toEqual(new Set(['auth.invalid_token']));
    expect(await flood()).toEqual(new Set(['auth.invalid_token']));
    expect(issuer.asked.jwks).toBe(1);
    aheadMs += 31_000;
    await flood();
    await flood();
    expect(issuer.asked.jwks).toBe(2);
  });

  test('are asked for no more often by them while the issuer is down', async () => {
    const verifier = open();
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    issuer.mode = 'down';
    aheadMs += 31_000;
    const { jwks } = issuer.asked;
    const tokens = await Promise.all(
      Array.from({ length: 100 }, (_, index) => issuer.token({}, { kid: `unknown-${index}` })),
    );
    const outcomes = await Promise.all(tokens.map((token) => outcomeOf(verifier, token)));
    // It cannot be told whether the issuer has such a key by now.
    expect(new Set(outcomes)).toEqual(new Set(['auth.issuer_unavailable']));
    expect(issuer.asked.jwks).toBe(jwks + 1);
  });

  test('are followed when they change, within 30 s', async () => {
    const verifier = open();
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    const old = await issuer.token();
    await issuer.rotate();
    aheadMs += 30_000;
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    expect(await outcomeOf(verifier, old)).toBe('auth.invalid_token');
  });

  test('that it withdrew are refused ten minutes later', async () => {
    const verifier = open();
    const old = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 7_200 });
    expect(await outcomeOf(verifier, old)).toBe('ann');
    await issuer.rotate();
    aheadMs += 9 * MINUTE_MS;
    expect(await outcomeOf(verifier, old)).toBe('ann');
    aheadMs += MINUTE_MS;
    expect(await outcomeOf(verifier, old)).toBe('auth.invalid_token');
  });

  test('serve for a day while it is down, and then no longer', async () => {
    const verifier = open();
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    issuer.mode = 'down';
    aheadMs += 23 * HOUR_MS;
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    aheadMs += HOUR_MS;
    expect(await outcomeOf(verifier, await issuer.token())).toBe('auth.issuer_unavailable');
    issuer.mode = 'well';
    aheadMs += 1_000;
    expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
  });

  test.each<IssuerMode>(['down', 'redirect', 'huge', 'impostor', 'garbage'])(
    'that cannot be had (%s) are nobody’s fault: 503, and 200 a second after it is well',
    async (mode) => {
      issuer.mode = mode;
      const verifier = open();
      expect(await outcomeOf(verifier, await issuer.token())).toBe('auth.issuer_unavailable');
      issuer.mode = 'well';
      aheadMs += 1_000;
      expect(await outcomeOf(verifier, await issuer.token())).toBe('ann');
    },
  );

  test('that do not come hold nobody longer than the caller’s time', async () => {
    issuer.mode = 'silent';
    expect(await outcomeOf(open(), await issuer.token(), 100)).toBe('DeadlineExceeded');
  });
});
