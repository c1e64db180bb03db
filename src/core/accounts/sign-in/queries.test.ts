import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { countLocked } from '../../../../test/harness/count-locked.ts';
import { useProduct } from '../../../../test/harness/product.ts';
import { testContext } from '../../../../test/harness/test-context.ts';
import { newId } from '../../../base/ids.ts';
import { type SignInRow, signIn, useRefreshToken } from './queries.ts';

const product = useProduct();
let client: Client;

beforeAll(async () => {
  client = await product.connect();
});

/** A sign-up for a username; its spare one, if any, is `spare-…`. */
function signUpFor(username: string, { hasChosen = false } = {}): SignInRow {
  const ids = { userId: newId(), activityId: newId(), keyId: newId() };
  const identity = { issuer: 'issuer', subject: newId(), email: null, isEmailVerified: false };
  const key = { hash: randomBytes(32), prefix: 'ek_', permissions: '{}' };
  const spareUsername = hasChosen ? null : `spare-${newId()}`;
  return { ...ids, ...identity, ...key, username, spareUsername, referralCode: null, ip: null };
}

const signUp = async (rows: readonly SignInRow[]) => {
  const answers = await product.postgres.query(signIn(rows), testContext());
  return answers.sort((one, other) => (one.i ?? 0) - (other.i ?? 0));
};

test('of two who sign up together with one name, the first gets it, and neither is refused', async () => {
  const [first, second] = await signUp([signUpFor('alex'), signUpFor('alex')]);
  expect(first).toMatchObject({ outcome: 'created', username: 'alex' });
  expect(second).toMatchObject({ outcome: 'created', username: expect.stringMatching(/^spare-/) });
});

test('of two who chose one name together, the first gets it, and the other is told when it asks again', async () => {
  const late = signUpFor('robin', { hasChosen: true });
  const answers = await signUp([signUpFor('robin', { hasChosen: true }), late]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['created', null]);
  expect(await signUp([late])).toMatchObject([{ outcome: 'username_taken', user_id: null }]);
});

test('sign-ups in two statements at once, for the same names in another order, do not deadlock', async () => {
  // Each gets its first name, and waits for the second one; then each would wait for what the other has.
  await client.query('begin');
  await client.query(`insert into users (user_id, username) values ($1, 'm-middle')`, [newId()]);
  const names = ['a-first', 'm-middle', 'z-last'];
  const both = [names, names.toReversed()].map((order) => signUp(order.map((name) => signUpFor(name))));
  const outcomes = Promise.allSettled(both);
  await expect.poll(() => countLocked(client)).toBe(2);
  await client.query('rollback');
  // One has them all, and the other is refused them. One that a deadlock had ended would have been run again, and be done.
  const reasons = (await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'done'));
  expect(reasons.sort()).toEqual(['23505', 'done']);
});

test('an e-mail address that the provider verified after the sign-up is verified from the next sign-in on', async () => {
  const row = { ...signUpFor('late'), email: 'late@example.com' };
  const again = (changes: Partial<SignInRow>) => signUp([{ ...row, ...changes }]);
  const isVerified = async () =>
    (await client.query(`select email_verified from users where user_id = $1`, [row.userId])).rows[0].email_verified;
  await signUp([row]);
  await again({ email: 'other@example.com', isEmailVerified: true });
  await again({});
  expect(await isVerified()).toBe(false);
  expect(await again({ isEmailVerified: true })).toMatchObject([{ outcome: 'known' }]);
  expect(await isVerified()).toBe(true);
  await again({});
  expect(await isVerified()).toBe(true);
});

test('a refresh token that comes many times in one millisecond ends its sign-in once', async () => {
  const [user] = await signUp([signUpFor('robbed')]);
  const id = newId();
  const use = () => {
    const order = { userId: user?.user_id ?? '', id, generation: 0, lifeSeconds: 60, activityId: newId(), ip: null };
    const { text, values } = useRefreshToken(order);
    return client.query(text, [...values]);
  };
  // All of a transaction have the time at which that began.
  await client.query('begin');
  const uses = [await use(), await use(), await use(), await use()].map(({ rows }) => rows[0]);
  await client.query('commit');
  expect(uses).toMatchObject([
    { generation: 1, is_revoked: false, told: null },
    { generation: 1, is_revoked: true, told: '' },
    ...Array(2).fill({ generation: 1, is_revoked: true, told: null }),
  ]);
});
