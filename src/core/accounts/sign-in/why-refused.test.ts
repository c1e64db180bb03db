import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testContext } from '../../../../test/harness/test-context.ts';
import { AUDIENCE, startTestIssuer, type TestIssuer } from '../../../../test/harness/test-issuer.ts';
import { systemClock } from '../../../base/time.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { IdentityVerifier } from './identity-verifier.ts';

let issuer: TestIssuer;
let verifier: IdentityVerifier;

beforeAll(async () => {
  issuer = await startTestIssuer();
  const issuers = [{ issuer: issuer.issuer, audience: [AUDIENCE], algorithms: ['RS256'] as const }];
  verifier = new IdentityVerifier({ issuers, clock: systemClock, log: createLogger({ level: 'silent' }) });
});

afterAll(async () => {
  await verifier?.close();
  await issuer?.close();
});

/** A good token but for these claims; undefined takes one away. */
const tokenWith = (claims: object, header: object = {}) => issuer.token(claims as JWTPayload, header);

const forge = async (claims: object) => (await tokenWith(claims)).replace(/[^.]*$/, 'AAAA');
const withHeader = async (header: object) =>
  (await tokenWith({})).replace(/^[^.]*/, Buffer.from(JSON.stringify(header)).toString('base64url'));

test.each<[string, string, () => string | Promise<string>]>([
  ['names no audience', `Its "aud" is missing: it must have ${AUDIENCE}.`, () => tokenWith({ aud: undefined })],
  ['is for another', `Its "aud" is not right: it must have ${AUDIENCE}.`, () => tokenWith({ aud: 'canary' })],
  ['has one slash more', 'Its "iss" is no configured issuer', () => tokenWith({ iss: `${issuer.issuer}/` })],
  ['is opaque', 'It is no signed JWT', () => 'ory_at_canary.x'],
  ['is encrypted', 'It is no signed JWT', async () => `${await withHeader({ alg: 'dir' })}.x.x`],
  ['is signed by a secret', 'It must be signed by RS256.', () => withHeader({ alg: 'HS256' })],
  ['comes early', 'It is not valid yet', () => tokenWith({ nbf: 4_000_000_000 })],
  ['is of nobody', 'Its "sub" is missing.', () => tokenWith({ sub: undefined })],
  ['logs out', 'It tells of an event', () => tokenWith({ events: {} })],
  ['is of another kind', 'Its header has a "typ"', () => tokenWith({}, { typ: 'canary+jwt' })],
  // Who has no token of the issuer is not told what it must be for.
  ['is forged', 'No key of its issuer signed it.', () => forge({ aud: 'canary' })],
])('a token that %s is refused with what is wrong, and nothing of the token', async (_what, why, makeToken) => {
  const told = await verifier.verify(await makeToken(), testContext()).then(String, String);
  expect(told).toContain(`AppError: This token is not valid here. ${why}`);
  expect(told).not.toContain('canary');
});
