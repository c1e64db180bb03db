import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { newId } from '../../src/base/ids.ts';
import { notificationJobs } from '../../src/core/notifications/index.ts';
import { findMail, notify } from '../../src/core/notifications/queries.ts';
import type { Job } from '../../src/platform/jobs/index.ts';
import { sql } from '../../src/platform/postgres/index.ts';
import { disableUser } from '../harness/disable-user.ts';
import { startTestMailServer, type TestMailServer } from '../harness/mail-server.ts';
import { type Product, startProduct, type TestUser } from '../harness/product.ts';
import { testContext } from '../harness/test-context.ts';

let mails: TestMailServer;
let product: Product;
let user: TestUser;

beforeAll(async () => {
  mails = await startTestMailServer();
  product = await startProduct({ SMTP_URL: mails.url, MAIL_FROM: 'no-reply@mail.example.com' });
});

beforeEach(async () => {
  mails.messages.length = 0;
  mails.refusal = undefined;
  user = await product.createUser();
});

afterAll(async () => {
  await product?.stop();
  await mails?.close();
});

interface NotificationPage {
  data: { id: string; title: string; read_at: string | null }[];
  next_cursor: string | null;
}

async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await product.request(user, method, `/v1/notifications${path}`, body);
  return (await response.json()) as Answer;
}

const titles = async (query = '') => (await call<NotificationPage>('GET', query)).data.map(({ title }) => title);

async function tell(title: string, { kind = 'welcome', id = newId(), to = user, at = product } = {}): Promise<string> {
  const statement = notify({ userId: to.userId, id, kind, title, body: `What is told.\n\nMore & <more>.\nAnd more.` });
  await at.postgres.query(statement, testContext());
  return id;
}

async function setEmail(email: string, isVerified: boolean, { of = user, at = product } = {}): Promise<void> {
  const statement = sql`
    -- test.set_email
    update users set email = ${email}, email_verified = ${isVerified} where user_id = ${of.userId}`;
  await at.postgres.query(statement, testContext());
}

async function enqueueWelcome({ userId }: TestUser, at = product): Promise<void> {
  const statement = sql<{ id: number }>`
    -- test.enqueue_welcome
    select job.id from graphile_worker.add_job(
      'notifications.welcome', json_build_object('user_id', ${userId}::text)
    ) job`;
  await at.postgres.query(statement, testContext());
}

async function countJobs(): Promise<number> {
  const statement = sql<{ jobs: number }>`
    -- test.count_jobs
    select count(*)::integer as jobs from graphile_worker._private_jobs`;
  return (await product.postgres.query(statement, testContext()))[0]?.jobs ?? -1;
}

const soon = { timeout: 20_000, interval: 50 };

describe('the list', () => {
  it('is newest first, page by page, and of what was not read when that is asked for', async () => {
    const ids: string[] = [];
    for (const title of ['one', 'two', 'three']) ids.push(await tell(title));
    expect(await titles()).toEqual(['three', 'two', 'one']);
    const first = await call<NotificationPage>('GET', '?limit=2');
    expect(await titles(`?limit=2&cursor=${first.next_cursor}`)).toEqual(['one']);

    const read = await call<{ read_at: string }>('POST', `/${ids[1]}/read`);
    expect(read.read_at).toMatch(/Z$/);
    expect(await call('POST', `/${ids[1]}/read`)).toEqual(read);
    expect(await titles('?unread=true')).toEqual(['three', 'one']);
    expect(await call('POST', '/read-all')).toEqual({ object: 'notifications.marked_read', count: 2 });
    expect(await call('POST', '/read-all')).toMatchObject({ count: 0 });
    expect(await titles('?unread=true')).toEqual([]);
    expect(await titles()).toHaveLength(3);
  });

  it('marks very many as read in several statements, and all of them', async () => {
    const insert = sql`
      -- test.insert_notifications
      insert into notifications (user_id, id, kind, title, body, in_app)
      select ${user.userId}::uuid, gen_random_uuid(), 'welcome', 'Title', 'Body', true from generate_series(1, 10001)`;
    await product.postgres.query(insert, testContext());
    const countStatements = async () => {
      const metrics = await (await product.request(undefined, 'GET', '/metrics')).text();
      return Number(
        /duration_seconds_count\{[^}]*"notifications\.mark_page_read"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0,
      );
    };
    const before = await countStatements();
    expect(await call('POST', '/read-all')).toMatchObject({ count: 10_001 });
    expect([(await countStatements()) - before, await titles('?unread=true')]).toEqual([3, []]);
  });

  it('has what was told twice under one id once', async () => {
    const id = await tell('once');
    await tell('once', { id });
    expect(await titles()).toEqual(['once']);
  });
});

describe('preferences', () => {
  it('say where each kind is told, both ways unless said otherwise, and are replaced as a whole', async () => {
    const both = { in_app: true, email: true };
    const none = { in_app: false, email: false };
    const all = { welcome: both, referral_joined: both, referral_rewarded: both };
    const object = 'notification_preferences';
    expect(await call('GET', '/preferences')).toEqual({ object, preferences: all });
    const changed = { object, preferences: { ...all, welcome: none } };
    expect(await call('PUT', '/preferences', { preferences: { welcome: none } })).toEqual(changed);
    expect(await call('GET', '/preferences')).toEqual(changed);
    await call('PUT', '/preferences', { preferences: { referral_joined: none } });
    expect(await call('GET', '/preferences')).toEqual({ object, preferences: { ...all, referral_joined: none } });
  });

  it('that are put at the same time by several are afterwards those of one of them', async () => {
    const none = { in_app: false, email: false };
    for (let round = 0; round < 20; round++) {
      const put = (kind: string) => call('PUT', '/preferences', { preferences: { [kind]: none } });
      await Promise.all(['welcome', 'referral_joined', 'referral_rewarded'].map(put));
      const { preferences } = await call<{ preferences: object }>('GET', '/preferences');
      expect(Object.values(preferences).filter(({ email }) => !email)).toHaveLength(1);
    }
  });

  it('of a kind that there is not are refused', async () => {
    const wrong = await call('PUT', '/preferences', { preferences: { lottery: { in_app: true, email: true } } });
    expect(wrong).toMatchObject({ error: { param: 'preferences.lottery' } });
  });

  it('are kept to: told in the app, by mail, or not at all', async () => {
    await setEmail('reader@example.com', true);
    await call('PUT', '/preferences', {
      preferences: {
        welcome: { in_app: true, email: false },
        referral_joined: { in_app: false, email: true },
        referral_rewarded: { in_app: false, email: false },
      },
    });
    const mailed = await tell('referral_joined', { kind: 'referral_joined' });
    await tell('welcome');
    await tell('referral_rewarded', { kind: 'referral_rewarded' });
    await expect.poll(countJobs, soon).toBe(0);
    for (const query of ['', '?unread=true']) expect(await titles(query)).toEqual(['welcome']);
    expect(await call('POST', `/${mailed}/read`)).toMatchObject({ error: { code: 'notifications.not_found' } });
    expect(await call('POST', '/read-all')).toMatchObject({ count: 1 });
    expect(mails.messages.map(({ source }) => /^Subject: (.*)\r$/m.exec(source)?.[1])).toEqual(['referral_joined']);
  });
});

describe('mail', () => {
  it('goes to a verified address, once, escaped where it is HTML', async () => {
    await setEmail('reader@example.com', true);
    const id = await tell('Hello\n<you>');
    await expect.poll(() => mails.messages.length, soon).toBe(1);
    await expect.poll(countJobs, soon).toBe(0);
    const again = sql<{ id: number }>`
      -- test.enqueue_again
      select job.id from graphile_worker.add_job(
        'notifications.send_mail', json_build_object('user_id', ${user.userId}::text, 'id', ${id}::text)
      ) job`;
    await product.postgres.query(again, testContext());
    await expect.poll(countJobs, soon).toBe(0);
    const [message, ...others] = mails.messages;
    expect([message?.to, others]).toEqual([['reader@example.com'], []]);
    expect(message?.source).toContain(`Message-ID: <${id}@mail.example.com>`);
    expect(message?.source).toMatch(/^Subject: Hello <you>\r$/m);
    expect(message?.source).toContain('Hello\r\n<you>\r\n\r\nWhat is told.');
    expect(message?.source.match(/>Hello\r\n&lt;you&gt;<\/(?:title|h1)>/g)).toHaveLength(2);
    expect(message?.source).toContain('<p>More &amp; &lt;more&gt;.<br>And more.</p>');
  });

  it('does not go to an address that is not verified, nor when there is none', async () => {
    await tell('no address');
    await setEmail('stranger@example.com', false);
    const id = await tell('not verified');
    // Nor would it go there if it was enqueued for another one before.
    expect(await product.postgres.query(findMail({ userId: user.userId, id }), testContext())).toEqual([]);
    await expect.poll(countJobs, soon).toBe(0);
    expect(mails.messages).toEqual([]);
    expect(await titles()).toHaveLength(2);
  });

  it('is no job that fails where there is no mail server', async () => {
    const [sendMail] = notificationJobs({ database: product.postgres, mailer: undefined }) as [Job];
    expect(await sendMail.run({ user_id: user.userId, id: newId() }, testContext())).toBeUndefined();
  });

  it('does not go to a user who is disabled', async () => {
    await setEmail('reader@example.com', true);
    await disableUser(product.postgres, user);
    await tell('disabled');
    await expect.poll(countJobs, soon).toBe(0);
    expect(mails.messages).toEqual([]);
  });

  it('is tried again when the mail server refuses it', async () => {
    await setEmail('reader@example.com', true);
    mails.refusal = { responseCode: 451, text: 'reader@example.com: come back later' };
    await tell('later');
    const failed = sql<{ last_error: string | null }>`
      -- test.read_error
      select last_error from graphile_worker._private_jobs where last_error is not null`;
    const lastErrors = () => product.postgres.query(failed, testContext());
    await expect.poll(lastErrors, soon).toEqual([{ last_error: 'Error EENVELOPE' }]);
    mails.refusal = undefined;
    await expect.poll(() => mails.messages.length, soon).toBe(1);
  });

  it('is set aside at once when the mail server will never take it', async () => {
    await setEmail('nobody@example.com', true);
    mails.refusal = { responseCode: 550, text: 'nobody@example.com: no such mailbox' };
    await tell('never');
    const setAside = sql<{ last_error: string }>`
      -- test.find_set_aside
      delete from graphile_worker._private_jobs where attempts = max_attempts and locked_at is null returning last_error`;
    const findSetAside = () => product.postgres.query(setAside, testContext());
    await expect.poll(findSetAside, soon).toEqual([{ last_error: 'Error EENVELOPE' }]);
  });

  it('that waits to be tried again does not go to a user who has said no to it meanwhile', async () => {
    await setEmail('reader@example.com', true);
    mails.refusal = { responseCode: 451, text: 'come back later' };
    await tell('no more of this');
    const hasFailed = sql<{ id: string }>`
      -- test.find_failed
      select id from graphile_worker._private_jobs where last_error is not null and locked_at is null`;
    await expect.poll(() => product.postgres.query(hasFailed, testContext()), soon).toHaveLength(1);
    await call('PUT', '/preferences', { preferences: { welcome: { in_app: true, email: false } } });
    mails.refusal = undefined;
    await expect.poll(countJobs, soon).toBe(0);
    expect(mails.messages).toEqual([]);
    expect(await titles()).toEqual(['no more of this']);
  });

  it('that a slow mail server has not taken yet holds up no other job', async () => {
    const taken: (() => void)[] = [];
    const slow = await startTestMailServer({
      onData: (stream, _session, done) => void stream.resume().on('end', () => taken.push(done)),
    });
    onTestFinished(() => slow.close());
    const busy = await startProduct({ SMTP_URL: slow.url, JOB_CONCURRENCY: '1' });
    onTestFinished(() => busy.stop());
    const [reader, newcomer] = [await busy.createUser(), await busy.createUser()];
    await setEmail('reader@example.com', true, { of: reader, at: busy });
    for (const title of ['one', 'two']) await tell(title, { to: reader, at: busy });
    await expect.poll(() => taken.length, soon).toBe(1);
    await enqueueWelcome(newcomer, busy);
    taken[0]?.();
    const told = async () => await (await busy.request(newcomer, 'GET', '/v1/notifications')).json();
    await expect.poll(told, soon).toMatchObject({ data: [{ title: 'Welcome' }] });
    await expect.poll(() => taken.length, soon).toBe(2);
    taken[1]?.();
  });
});

it('a new user is welcomed once', async () => {
  for (let round = 0; round < 2; round++) await enqueueWelcome(user);
  await expect.poll(countJobs, soon).toBe(0);
  expect(await titles()).toEqual(['Welcome']);
});
