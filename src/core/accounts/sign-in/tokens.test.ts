import { decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { newId } from '../../../base/ids.ts';
import type { Clock } from '../../../base/time.ts';
import { Tokens } from './tokens.ts';

const OLD = 'an-old-secret-of-thirty-two-characters';
const NEW = 'a-new-secret-of-thirty-two-characters!';

// It stands still: tokens count whole seconds, and one may end while a test runs.
const startMs = Date.now();
let aheadMs = 0;
const clock: Clock = { now: () => new Date(startMs + aheadMs), monotonicMs: () => performance.now() };
const open = (...secrets: string[]) => new Tokens({ secrets, clock });
const claims = { userId: newId(), signInId: newId(), generation: 3 };
const { generation: _, ...signedIn } = claims;

test('a new secret in front signs; tokens of the old one are good until that is taken away', async () => {
  const before = await open(OLD).issue(claims);
  const after = await open(NEW, OLD).issue(claims);
  expect(await open(NEW, OLD).verifyAccess(before.access_token)).toEqual(signedIn);
  expect(await open(NEW, OLD).verifyRefresh(before.refresh_token)).toEqual(claims);
  expect(await open(NEW).verifyAccess(after.access_token)).toEqual(signedIn);
  await expect(open(NEW).verifyAccess(before.access_token)).rejects.toMatchObject({ code: 'auth.invalid_token' });
  await expect(open(OLD).verifyRefresh(after.refresh_token)).rejects.toMatchObject({ code: 'auth.invalid_token' });
});

test('one kind of token never passes for the other', async () => {
  const tokens = open(OLD);
  const { access_token, refresh_token } = await tokens.issue(claims);
  await expect(tokens.verifyAccess(refresh_token)).rejects.toMatchObject({ code: 'auth.invalid_token' });
  await expect(tokens.verifyRefresh(access_token)).rejects.toMatchObject({ code: 'auth.invalid_token' });
});

test('an access token is good for 15 minutes, a refresh token for 30 days', async () => {
  aheadMs = 0;
  const tokens = open(OLD);
  const { access_token, refresh_token } = await tokens.issue(claims);
  aheadMs = 899_000;
  expect(await tokens.verifyAccess(access_token)).toEqual(signedIn);
  aheadMs = 901_000;
  await expect(tokens.verifyAccess(access_token)).rejects.toMatchObject({ code: 'auth.expired_token' });
  aheadMs = 30 * 86_400_000 - 1_000;
  expect(await tokens.verifyRefresh(refresh_token)).toEqual(claims);
  aheadMs += 2_000;
  await expect(tokens.verifyRefresh(refresh_token)).rejects.toMatchObject({ code: 'auth.expired_token' });
});

test('a token that is altered or not signed is refused', async () => {
  const tokens = open(OLD);
  const [head = '', payload = '', signature] = (await tokens.issue(claims)).access_token.split('.');
  const change = (part: string, fields: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(part, 'base64url').toString()), ...fields })).toString(
      'base64url',
    );
  const forged = [
    `${head}.${change(payload, { sub: newId() })}.${signature}`,
    `${change(head, { alg: 'none' })}.${payload}.`,
    `${change(head, { alg: 'HS512' })}.${payload}.${signature}`,
  ];
  for (const token of forged) {
    await expect(tokens.verifyAccess(token)).rejects.toMatchObject({ code: 'auth.invalid_token' });
  }
});

test('a token tells nothing of the secret', async () => {
  const { access_token } = await open(OLD).issue(claims);
  const { kid = '' } = decodeProtectedHeader(access_token);
  expect(kid).toMatch(/^[\w-]{8}$/);
  expect(OLD).not.toContain(kid);
});
