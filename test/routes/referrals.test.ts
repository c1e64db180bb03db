import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { referralJobs } from '../../src/core/referrals/index.ts';
import type { Job } from '../../src/platform/jobs/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { countLocked } from '../harness/count-locked.ts';
import { startTestMailServer, type TestMailServer } from '../harness/mail-server.ts';
import { createPrivyApp, type PrivyApp } from '../harness/privy-app.ts';
import { type Product, startProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

let app: PrivyApp;
let mails: TestMailServer;
let product: Product;

beforeAll(async () => {
  app = await createPrivyApp();
  mails = await startTestMailServer();
  product = await startProduct({ ...app.variables, SMTP_URL: mails.url, REFERRAL_REWARD_TOKENS: '1234' });
});

beforeEach(() => {
  mails.messages.length = 0;
});

afterAll(async () => {
  await product?.stop();
  await mails?.close();
});

interface Referrals {
  code: string;
  referred: { user_id: string; at: string; status: string }[];
  rewards: { count: number; tokens: number };
}

const soon = { timeout: 20_000, interval: 50 };

async function signUp(rest: object = {}, subject = newId()): Promise<{ id: string; key: string; email: string }> {
  const email = `${newId()}@example.com`;
  const token = await app.token(subject, { email, email_verified: true });
  const response = await product.request(undefined, 'POST', '/api/auth', { token, ...rest });
  expect(response.status).toBe(201);
  const { user, api_key: key } = (await response.json()) as { user: { id: string }; api_key: string };
  return { id: user.id, key, email };
}

async function read<Answer>(user: { key: string }, path: string): Promise<Answer> {
  return (await (await product.request(user, 'GET', path)).json()) as Answer;
}

const referralsOf = (user: { key: string }) => read<Referrals>(user, '/v1/me/referrals');

async function titlesOf(user: { key: string }): Promise<string[]> {
  const { data } = await read<{ data: { title: string }[] }>(user, '/v1/notifications');
  return data.map(({ title }) => title).sort();
}

const subjectsOf = (user: { email: string }) =>
  mails.messages
    .filter(({ to }) => to.includes(user.email))
    .map(({ source }) => /^Subject: (.*)$/m.exec(source)?.[1]?.trim())
    .sort();

test('each user has a code of their own, and nothing else at first', async () => {
  const [one, other] = [await signUp(), await signUp()];
  const referrals = await referralsOf(one);
  expect(referrals).toMatchObject({ referred: [], rewards: { count: 0, tokens: 0 } });
  expect(referrals.code).toMatch(/^[0-9a-f]{12}$/);
  expect((await referralsOf(other)).code).not.toBe(referrals.code);
});

test('a sign-up by a code rewards both and tells both, in the app and by mail', async () => {
  const referrer = await signUp();
  const { code } = await referralsOf(referrer);
  const newcomer = await signUp({ referral_code: code });
  await expect.poll(() => titlesOf(referrer), soon).toEqual(['Welcome', 'Your code was used']);
  await expect.poll(() => titlesOf(newcomer), soon).toEqual(['Welcome', 'You were rewarded']);
  expect(await referralsOf(referrer)).toEqual({
    object: 'referrals',
    code,
    referred: [{ user_id: newcomer.id, at: expect.stringMatching(/Z$/), status: 'rewarded' }],
    rewards: { count: 1, tokens: 1234 },
  });
  expect(await referralsOf(newcomer)).toMatchObject({ referred: [], rewards: { count: 1, tokens: 1234 } });
  // Whose code it was is not told.
  expect(await (await product.request(newcomer, 'GET', '/v1/me/export')).text()).not.toContain(referrer.id);
  await expect.poll(() => subjectsOf(referrer), soon).toEqual(['Welcome', 'Your code was used']);
  await expect.poll(() => subjectsOf(newcomer), soon).toEqual(['Welcome', 'You were rewarded']);
});

test('a job that is done again, also many times at once, rewards and tells nobody again', async () => {
  const referrer = await signUp();
  const newcomer = await signUp({ referral_code: (await referralsOf(referrer)).code });
  const [reward] = referralJobs({ database: product.postgres, rewardTokens: 1234 }) as [Job];
  const context = testContext();
  await Promise.all(Array.from({ length: 20 }, () => reward.run({ user_id: newcomer.id }, context)));
  for (const user of [referrer, newcomer]) {
    expect((await referralsOf(user)).rewards).toEqual({ count: 1, tokens: 1234 });
    await expect.poll(() => subjectsOf(user), soon).toHaveLength(2);
    expect(await titlesOf(user)).toHaveLength(2);
  }
});

test('a sign-up enqueues its jobs once, however many sign up as the same identity at once', async () => {
  const referrer = await signUp();
  const { code } = await referralsOf(referrer);
  const token = await app.token(newId());
  const request = () => product.request(undefined, 'POST', '/api/auth', { token, referral_code: code });
  const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await request()).status));
  expect(statuses.sort()).toEqual([...Array(49).fill(200), 201]);
  await expect.poll(async () => (await referralsOf(referrer)).rewards, soon).toEqual({ count: 1, tokens: 1234 });
  expect((await referralsOf(referrer)).referred).toHaveLength(1);
  expect(await titlesOf(referrer)).toEqual(['Welcome', 'Your code was used']);
});

test('fifty who sign up by one code at once each bring its owner one reward', async () => {
  const referrer = await signUp();
  const { code } = await referralsOf(referrer);
  const newcomers = await Promise.all(Array.from({ length: 50 }, () => signUp({ referral_code: code })));
  const rewards = { count: 50, tokens: 50 * 1234 };
  await expect.poll(async () => (await referralsOf(referrer)).rewards, soon).toEqual(rewards);
  const { referred } = await referralsOf(referrer);
  expect(referred.map(({ user_id: id }) => id).sort()).toEqual(newcomers.map(({ id }) => id).sort());
  expect(new Set(referred.map(({ status }) => status))).toEqual(new Set(['rewarded']));
  for (const newcomer of newcomers) expect((await referralsOf(newcomer)).rewards.count).toBe(1);
  await expect
    .poll(async () => (await read<{ data: [] }>(referrer, '/v1/notifications?limit=100')).data.length, soon)
    .toBe(51);
});

test('an identity that signs up by a code again and again brings its owner one reward, not one each time', async () => {
  const [referrer, subject] = [await signUp(), newId()];
  const { code } = await referralsOf(referrer);
  await signUp({ referral_code: code });
  for (let round = 0; round < 2; round++) {
    const newcomer = await signUp({ referral_code: code }, subject);
    await expect.poll(async () => (await referralsOf(referrer)).rewards, soon).toEqual({ count: 2, tokens: 2 * 1234 });
    expect((await referralsOf(newcomer)).rewards).toEqual({ count: 1, tokens: 1234 });
    expect((await referralsOf(referrer)).referred[0]?.user_id).toBe(newcomer.id);
    const { username } = await read<{ username: string }>(newcomer, '/v1/me');
    expect((await product.request(newcomer, 'DELETE', `/v1/me?confirm=${username}`)).status).toBe(200);
    await expect.poll(async () => (await referralsOf(referrer)).rewards, soon).toEqual({ count: 1, tokens: 1234 });
    expect((await referralsOf(referrer)).referred).toHaveLength(1);
  }
});

test('nobody can use their own code', async () => {
  const subject = newId();
  const token = await app.token(subject);
  const first = await product.request(undefined, 'POST', '/api/auth', { token });
  const { api_key: key } = (await first.json()) as { api_key: string };
  const { code } = await referralsOf({ key });
  expect((await product.request(undefined, 'POST', '/api/auth', { token, referral_code: code })).status).toBe(200);
  expect(await referralsOf({ key })).toMatchObject({ referred: [], rewards: { count: 0 } });
});

test('a sign-up by the code of an account that is erased meanwhile is told that there is no such code', async () => {
  const referrer = await signUp();
  const { code } = await referralsOf(referrer);
  const body = { token: await app.token(newId()), referral_code: code };
  const eraser = await product.connect();
  await eraser.query('begin');
  await eraser.query('delete from users where user_id = $1', [referrer.id]);
  const asked = product.request(undefined, 'POST', '/api/auth', body);
  await expect.poll(() => countLocked(eraser)).toBe(1);
  await eraser.query('commit');
  const response = await asked;
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: { code: 'auth.unknown_referral_code', param: 'referral_code' } },
  ]);
});

test('a sign-up by an unknown code writes no row and enqueues no job', async () => {
  const count = sql<{ rows: number }>`
    -- test.count_rows
    select (select count(*) from users) + (select count(*) from graphile_worker._private_jobs) as rows`;
  const jobs = sql<{ jobs: number }>`
    -- test.count_jobs
    select count(*) as jobs from graphile_worker._private_jobs where key is null`;
  await expect.poll(() => product.postgres.query(jobs, testContext()), soon).toEqual([{ jobs: 0 }]);
  const [before] = await product.postgres.query(count, testContext());
  const body = { token: await app.token(newId()), referral_code: 'nobody' };
  const response = await product.request(undefined, 'POST', '/api/auth', body);
  expect([response.status, await response.json()]).toMatchObject([
    400,
    { error: { code: 'auth.unknown_referral_code', param: 'referral_code' } },
  ]);
  expect(await product.postgres.query(count, testContext())).toEqual([before]);
});
