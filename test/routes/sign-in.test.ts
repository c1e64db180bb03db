import type { JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { disableUser } from '../harness/disable-user.ts';
import { createPrivyApp } from '../harness/privy-app.ts';
import { useProduct } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

const app = await createPrivyApp();
const product = useProduct(app.variables);

interface SignedIn {
  user: { id: string; username: string; email: string | null; settings: object };
  is_new_user: boolean;
  access_token: string;
  refresh_token: string;
  expires_in: number;
  api_key?: string;
}

interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
}

async function post<Body = { error: { code: string; param: string | null } }>(
  path: string,
  body?: object,
): Promise<Answer<Body>> {
  const response = await product.request(undefined, 'POST', path, body);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function signIn(subject: string, rest: object = {}, claims: JWTPayload = {}): Promise<SignedIn> {
  const { status, body } = await post<SignedIn>('/api/auth', { token: await app.token(subject, claims), ...rest });
  expect([200, 201], JSON.stringify(body)).toContain(status);
  return body;
}

const me = (key: string) => product.request({ key }, 'GET', '/v1/me');

/** The status and the code of an answer. */
const outcome = async (answer: Response | Answer<unknown>) => {
  const body = answer instanceof Response ? await answer.json() : answer.body;
  return [answer.status, (body as { error?: { code: string } })?.error?.code];
};

async function countRows(): Promise<object | undefined> {
  const [rows] = await product.postgres.query(
    sql<{ users: number; identities: number; keys: number; activity: number; referrals: number }>`
      -- test.count_rows
      select (select count(*) from users) as users, (select count(*) from identities) as identities,
        (select count(*) from api_keys) as keys, (select count(*) from activity) as activity,
        (select count(*) from referrals) as referrals`,
    testContext(),
  );
  return rows;
}

async function referralCodeOf(userId: string): Promise<string> {
  const [row] = await product.postgres.query(
    sql<{ referral_code: string }>`
      -- test.referral_code
      select referral_code from users where user_id = ${userId}`,
    testContext(),
  );
  return row?.referral_code ?? '';
}

async function eventually(check: () => Promise<unknown>, expected: unknown): Promise<void> {
  await expect.poll(check, { timeout: 5_000, interval: 20 }).toEqual(expected);
}

describe('POST /api/auth', () => {
  test('a new identity becomes a user with an API key, and is known from then on', async () => {
    const first = await post<SignedIn>('/api/auth', { token: await app.token('ann') });
    expect(first).toMatchObject({ status: 201, body: { is_new_user: true, expires_in: 900 } });
    const second = await post<SignedIn>('/api/auth', { token: await app.token('ann') });
    expect(second).toMatchObject({ status: 200, body: { is_new_user: false } });
    expect(second.body.user).toEqual(first.body.user);
    expect(second.body.api_key).toBeUndefined();
    for (const key of [first.body.api_key, first.body.access_token, second.body.access_token]) {
      expect(await (await me(key ?? '')).json()).toEqual(first.body.user);
    }
  });

  test('the token may come as Bearer, without a body', async () => {
    const response = await product.request({ key: await app.token('bearer') }, 'POST', '/api/auth');
    expect(response.status).toBe(201);
    expect(await outcome(await product.request(undefined, 'POST', '/api/auth'))).toEqual([401, 'auth.missing_token']);
  });

  test('the first key and the tokens may do everything but what takes admin', async () => {
    const user = await signIn('permissions');
    for (const key of [user.api_key ?? '', user.access_token]) {
      expect((await product.request({ key }, 'POST', '/v1/chat/sessions', {})).status).toBe(201);
      expect((await product.request({ key }, 'GET', '/v1/keys')).status).toBe(200);
      expect(await outcome(await product.request({ key }, 'GET', '/admin/cache'))).toEqual([
        403,
        'keys.permission_missing',
      ]);
    }
  });

  test('fifty sign-ups of one identity at once make one account', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => post<SignedIn>('/api/auth', { token: await app.token('crowd') })),
    );
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(49).fill(200), 201]);
    expect(answers.filter(({ body }) => body.api_key !== undefined)).toHaveLength(1);
  });

  test('fifty sign-ups for one username at once: one has it, the others are told and write nothing', async () => {
    const before = await countRows();
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        post('/api/auth', { token: await app.token(`wanting-${index}`), username: 'wanted' }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(answer).toMatchObject({
        status: 409,
        body: { error: { code: 'auth.username_taken', param: 'username' } },
      });
    }
    const after = Object.fromEntries(Object.entries(before ?? {}).map(([table, rows]) => [table, rows + 1]));
    expect(await countRows()).toEqual({ ...after, referrals: (before as { referrals: number }).referrals });
  });

  test('a name is derived from what the provider tells, and never fails for being taken', async () => {
    const claims = { preferred_username: 'Åsa Öberg!' };
    const names = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => (await signIn(`asa-${index}`, {}, claims)).user.username),
    );
    expect(new Set(names).size).toBe(10);
    expect(names).toContain('asa-oberg');
    for (const name of names) expect(name).toMatch(/^asa-oberg(?:-[0-9a-z]{8})?$/);
    expect((await signIn('nameless')).user.username).toMatch(/^user-[0-9a-z]{8}$/);
  });

  test.each(['ab', 'UPPER', '-start', 'a'.repeat(41), 'a b c', 'ann@example.com'])(
    'the username %s is refused',
    async (username) => {
      const answer = await post('/api/auth', { token: await app.token('misnamed'), username });
      expect(answer).toMatchObject({ status: 400, body: { error: { param: 'username' } } });
    },
  );

  test('an e-mail address is kept as the provider tells it, and links nobody', async () => {
    const claims = { email: 'same@example.com', email_verified: true };
    const [one, other] = [await signIn('mail-1', {}, claims), await signIn('mail-2', {}, claims)];
    expect(one.user.email).toBe('same@example.com');
    expect(other.user.id).not.toBe(one.user.id);
  });

  test('a sign-up by a referral code is noted with the referrer; a known user refers nobody', async () => {
    const referrer = await signIn('referrer');
    const code = await referralCodeOf(referrer.user.id);
    const { user } = await signIn('referred', { referral_code: code });
    await signIn('referred', { referral_code: code });
    const rows = await product.postgres.query(
      sql<{ referred_user_id: string }>`
        -- test.referrals
        select referred_user_id from referrals where user_id = ${referrer.user.id}`,
      testContext(),
    );
    expect(rows).toEqual([{ referred_user_id: user.id }]);
  });

  test('null is no username and no referral code', async () => {
    const { user } = await signIn('unreferred', { username: null, referral_code: null });
    expect(user.username).toMatch(/^user-/);
  });

  test('an unknown referral code, or that of a disabled user, is refused and nothing is written', async () => {
    const gone = await signIn('gone-referrer');
    await disableUser(product.postgres, { userId: gone.user.id });
    const before = await countRows();
    for (const code of ['nobody', await referralCodeOf(gone.user.id)]) {
      const answer = await post('/api/auth', { token: await app.token('misreferred'), referral_code: code });
      const error = { code: 'auth.unknown_referral_code', param: 'referral_code' };
      expect(answer).toMatchObject({ status: 400, body: { error } });
    }
    expect(await countRows()).toEqual(before);
    expect((await signIn('misreferred')).is_new_user).toBe(true);
  });

  test('who asks beside one that is refused is not refused with it', async () => {
    const token = await app.token('beside');
    const [refused, ...others] = await Promise.all([
      post('/api/auth', { token, referral_code: 'nobody' }),
      post('/api/auth', { token }),
      post('/api/auth', { token }),
    ]);
    expect(others.map(({ status }) => status).sort()).toEqual([200, 201]);
    expect([200, 400]).toContain(refused?.status);
  });

  test('a disabled user does not sign in, and has no token that works', async () => {
    const user = await signIn('disabled');
    expect((await me(user.access_token)).status).toBe(200);
    await disableUser(product.postgres, { userId: user.user.id });
    await eventually(async () => outcome(await me(user.access_token)), [401, 'auth.user_disabled']);
    expect(await outcome(await post('/api/auth', { token: await app.token('disabled') }))).toEqual([
      401,
      'auth.user_disabled',
    ]);
    const refresh = await post('/api/auth/refresh', { refresh_token: user.refresh_token });
    expect(await outcome(refresh)).toEqual([401, 'auth.user_disabled']);
  });
});

describe('refreshing', () => {
  const refresh = (token: string) => post<SignedIn>('/api/auth/refresh', { refresh_token: token });

  test('a refresh token gives a new pair', async () => {
    const { user, refresh_token } = await signIn('refresher');
    const second = await refresh(refresh_token);
    const third = await refresh(second.body.refresh_token);
    expect(third.status).toBe(200);
    expect(((await (await me(third.body.access_token)).json()) as { id: string }).id).toBe(user.id);
  });

  test('a refresh token that comes again ends its sign-in: its refresh tokens, and its access tokens', async () => {
    const { refresh_token, api_key = '' } = await signIn('robbed');
    const second = await refresh(refresh_token);
    expect((await me(second.body.access_token)).status).toBe(200);
    expect(await outcome(await refresh(refresh_token))).toEqual([401, 'auth.refresh_reused']);
    expect(await outcome(await refresh(refresh_token))).toEqual([401, 'auth.refresh_reused']);
    expect(await outcome(await refresh(second.body.refresh_token))).toEqual([401, 'auth.signed_out']);
    expect(await outcome(await me(second.body.access_token))).toEqual([401, 'auth.signed_out']);
    const again = await signIn('robbed');
    expect((await me(again.access_token)).status).toBe(200);
    expect((await refresh(again.refresh_token)).status).toBe(200);
    const activity = await product.request({ key: api_key }, 'GET', '/v1/activity?kind=user.token_reused');
    expect(((await activity.json()) as { data: unknown[] }).data).toMatchObject([{ ip: '127.0.0.1', key_id: null }]);
  });

  test('of fifty uses of one refresh token at once, one is answered', async () => {
    const { refresh_token } = await signIn('hasty');
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(refresh_token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('an access token, a key or the token of a provider refreshes nothing', async () => {
    const user = await signIn('confused');
    for (const token of [user.access_token, user.api_key ?? '', await app.token('confused'), 'eyJ', 'x']) {
      expect(await outcome(await refresh(token))).toEqual([401, 'auth.invalid_token']);
    }
  });
});

describe('signing out', () => {
  test.each(['refresh', 'access'])('by the %s token ends the sign-in and no other', async (kind) => {
    const user = await signIn(`leaving-${kind}`);
    const other = await signIn(`leaving-${kind}`);
    expect((await me(user.access_token)).status).toBe(200);
    const response =
      kind === 'refresh'
        ? await product.request(undefined, 'POST', '/api/auth/logout', { refresh_token: user.refresh_token })
        : await product.request({ key: user.access_token }, 'POST', '/api/auth/logout');
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(await outcome(await me(user.access_token))).toEqual([401, 'auth.signed_out']);
    const refreshed = await post('/api/auth/refresh', { refresh_token: user.refresh_token });
    expect(await outcome(refreshed)).toEqual([401, 'auth.signed_out']);
    expect((await me(other.access_token)).status).toBe(200);
  });

  test('many times over is recorded once', async () => {
    const user = await signIn('leaving-twice');
    const leave = () => post('/api/auth/logout', { refresh_token: user.refresh_token });
    const answers = await Promise.all(Array.from({ length: 20 }, leave));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(204));
    const response = await product.request({ key: user.api_key ?? '' }, 'GET', '/v1/activity?kind=user.signed_out');
    expect(((await response.json()) as { data: unknown[] }).data).toHaveLength(1);
  });

  test('without a token is refused', async () => {
    const answer = await post('/api/auth/logout');
    const error = { code: 'auth.missing_token', message: expect.stringContaining('"refresh_token"') };
    expect(answer).toMatchObject({ status: 401, body: { error } });
  });
});

describe('what is ours and what is not', () => {
  test('the token of a provider, a refresh token and an altered access token are no credentials', async () => {
    const user = await signIn('credentials');
    const [head, , signature] = user.access_token.split('.');
    const claims = { iss: 'evenkeel', sub: newId(), sid: newId(), exp: 4_000_000_000 };
    const altered = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    for (const key of [await app.token('credentials'), user.refresh_token, altered, 'eyJhbGciOiJub25lIn0.e30.']) {
      expect(await outcome(await me(key))).toEqual([401, 'auth.invalid_token']);
    }
    const asKey = await fetch(`${product.url}/v1/me`, { headers: { 'x-api-key': user.access_token } });
    expect(asKey.status).toBe(401);
  });
});
