import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { listen } from '../../../../test/harness/listen.ts';
import { testContext } from '../../../../test/harness/test-context.ts';
import type { AppError } from '../../../base/errors.ts';
import type { Clock } from '../../../base/time.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { IdentityVerifier } from './identity-verifier.ts';
import { IssuerKeys } from './issuer-keys.ts';

const ISSUER = 'https://id.example.com';
const AUDIENCE = 'test-client';
const TEN_MINUTES_MS = 600_000;

let aheadMs: number;
/** The machine's clock, set forward. */
const clock: Clock = {
  now: () => new Date(Date.now() + aheadMs),
  monotonicMs: () => performance.now() + aheadMs,
};

interface SigningKey {
  readonly publicJwk: JWK;
  /** A good token that it signed. */
  token(header?: { kid?: string }): Promise<string>;
}

async function makeKey(kid: string): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    token: (header = { kid }) =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: Math.floor(Date.now() / 1_000) + 7_200 })
        .setProtectedHeader({ alg: 'ES256', ...header })
        .sign(privateKey),
  };
}

let one: SigningKey;
let two: SigningKey;
/** What the provider lists, and how long it takes to answer. */
let listed: JWK[];
let delayMs: number;
/** What was logged. */
let lines: string[];
let verifier: IdentityVerifier;

beforeAll(async () => {
  [one, two] = await Promise.all([makeKey('one'), makeKey('two')]);
});

beforeEach(async () => {
  aheadMs = 0;
  delayMs = 0;
  lines = [];
  listed = [one.publicJwk];
  const server = createServer(async (_request, response) => {
    await sleep(delayMs, undefined, { ref: false });
    response.end(JSON.stringify({ keys: listed }));
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const jwksUrl = `http://127.0.0.1:${port}/`;
  const log = createLogger({ level: 'warn', destination: { write: (line) => lines.push(line) } });
  verifier = new IdentityVerifier({
    issuers: [{ issuer: ISSUER, audience: [AUDIENCE], algorithms: ['ES256', 'RS256'], jwksUrl }],
    clock,
    log,
  });
  onTestFinished(() => verifier.close());
});

/** The subject of a token, or the code that it is refused with. */
async function outcomeOf(token: string): Promise<string> {
  return await verifier.verify(token, testContext(8_000)).then(
    ({ subject }) => subject,
    (error: AppError) => error.code ?? error.name,
  );
}

/** What some work comes to, and how long it took. */
async function timed<Result>(work: Promise<Result>): Promise<[Result, number]> {
  const startedAtMs = performance.now();
  return [await work, performance.now() - startedAtMs];
}

test('while a provider lists no keys, its last ones serve', async () => {
  expect(await outcomeOf(await one.token())).toBe('ann');
  listed = [];
  aheadMs += TEN_MINUTES_MS;
  expect(await outcomeOf(await one.token())).toBe('ann');
  expect(await outcomeOf(await two.token())).toBe('auth.issuer_unavailable');
  listed = [two.publicJwk];
  aheadMs += TEN_MINUTES_MS;
  expect(await outcomeOf(await one.token())).toBe('auth.invalid_token');
  expect(await outcomeOf(await two.token())).toBe('ann');
});

describe('while a provider takes long to answer and its last keys are at hand', () => {
  test('sign-ins wait half a second at most, and those that come later not at all', async () => {
    expect(await outcomeOf(await one.token())).toBe('ann');
    delayMs = 60_000;
    aheadMs += TEN_MINUTES_MS;
    const token = await one.token();
    const [outcomes, waitedMs] = await timed(Promise.all([outcomeOf(token), outcomeOf(token)]));
    expect(outcomes).toEqual(['ann', 'ann']);
    expect(waitedMs).toBeGreaterThan(400);
    expect(waitedMs).toBeLessThan(5_000);
    const [later, laterMs] = await timed(outcomeOf(token));
    expect(later).toBe('ann');
    expect(laterMs).toBeLessThan(400);
  });

  test('a key that it withdrew is refused once it has answered', async () => {
    expect(await outcomeOf(await one.token())).toBe('ann');
    listed = [two.publicJwk];
    delayMs = 1_000;
    aheadMs += TEN_MINUTES_MS;
    const old = await one.token();
    expect(await outcomeOf(old)).toBe('ann');
    await expect.poll(() => outcomeOf(old), { timeout: 5_000, interval: 50 }).toBe('auth.invalid_token');
    expect(await outcomeOf(await two.token())).toBe('ann');
  });

  test('a token that names a key that is not at hand waits for the answer', async () => {
    expect(await outcomeOf(await one.token())).toBe('ann');
    listed = [one.publicJwk, two.publicJwk];
    delayMs = 1_000;
    aheadMs += TEN_MINUTES_MS;
    expect(await outcomeOf(await two.token())).toBe('ann');
  });
});

describe('a provider that lists', () => {
  const malformed: [string, (good: JWK) => JWK][] = [
    ['a point that is not on the curve', (good) => ({ ...good, y: good.x ?? '' })],
    ['a key without x', ({ x: _, ...rest }) => rest as JWK],
    ['a key whose x is short', (good) => ({ ...good, x: 'AAAA' })],
    ['a private key that is none', (good) => ({ ...good, d: 'AAAA' })],
    ['an operation that there is not', (good) => ({ ...good, key_ops: ['verify', 'knit'] })],
  ];
  test.each(malformed)(
    '%s has tokens of it refused, is logged once, and its other keys serve',
    async (_name, spoil) => {
      listed = [spoil(one.publicJwk), two.publicJwk];
      for (let round = 0; round < 3; round++) expect(await outcomeOf(await one.token())).toBe('auth.invalid_token');
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { issuer: ISSUER, msg: 'a key of an identity provider cannot be used' },
      ]);
      expect(await outcomeOf(await two.token())).toBe('ann');
    },
  );

  test('a key twice has its tokens accepted', async () => {
    listed = [one.publicJwk, one.publicJwk];
    expect(await outcomeOf(await one.token())).toBe('ann');
    expect(await outcomeOf(await two.token({ kid: 'one' }))).toBe('auth.invalid_token');
  });

  test('several keys has a token that names none accepted by whichever signed it', async () => {
    listed = [one.publicJwk, two.publicJwk];
    for (const key of [one, two]) expect(await outcomeOf(await key.token({}))).toBe('ann');
    expect(await outcomeOf(await (await makeKey('three')).token({}))).toBe('auth.invalid_token');
    aheadMs += 3 * 3_600_000;
    expect(await outcomeOf(await two.token({}))).toBe('auth.expired_token');
  });

  test('a key that is too short has its tokens refused, is logged once, and a good one of the same id serves', async () => {
    const good = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
    const toListed = ({ publicKey }: typeof good) => ({ ...(publicKey.export({ format: 'jwk' }) as JWK), kid: 'rsa' });
    const token = await new SignJWT({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: 'ann',
      exp: Math.floor(Date.now() / 1_000) + 7_200,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'rsa' })
      .sign(good.privateKey);
    listed = [toListed(short)];
    for (let round = 0; round < 3; round++) expect(await outcomeOf(token)).toBe('auth.invalid_token');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { issuer: ISSUER, msg: 'a key of an identity provider cannot be used' },
    ]);
    listed = [toListed(short), toListed(good)];
    aheadMs += TEN_MINUTES_MS;
    expect(await outcomeOf(token)).toBe('ann');
  });
});

describe('where keys are', () => {
  const home = 'https://id.example.com/keys';
  /** The discovery document, and where the provider has its keys by now. */
  let document: object;
  let place: string;

  function startKeys(): () => Promise<unknown> {
    const fetchJson = async (url: string): Promise<object> => {
      if (url.endsWith('/.well-known/openid-configuration')) return document;
      if (url !== place) throw new Error('nothing there');
      return { keys: listed };
    };
    const log = createLogger({ level: 'warn', destination: { write: () => {} } });
    const keys = new IssuerKeys({ issuer: { issuer: ISSUER }, fetchJson, clock, log });
    const token = { payload: '', signature: '' };
    return async () => await keys.find({ alg: 'ES256', kid: 'one' }, token, testContext().deadline);
  }

  test.each([
    ['is of another issuer', { issuer: 'https://evil.example.com', jwks_uri: home }],
    ['names a place that anybody on the way can write to', { issuer: ISSUER, jwks_uri: 'http://id.example.com/keys' }],
    ['names none', { issuer: ISSUER }],
  ])('is not taken from a discovery document that %s', async (_what, wrong) => {
    document = wrong;
    place = 'jwks_uri' in wrong ? wrong.jwks_uri : home;
    await expect(startKeys()()).rejects.toMatchObject({ code: 'auth.issuer_unavailable' });
  });

  test('is asked again a second after they were not where discovery said', async () => {
    document = { issuer: ISSUER, jwks_uri: 'https://id.example.com/old' };
    place = home;
    const find = startKeys();
    await expect(find()).rejects.toMatchObject({ code: 'auth.issuer_unavailable' });
    document = { issuer: ISSUER, jwks_uri: home };
    aheadMs = 1_000;
    await find();
  });
});
