import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import { startTestMailServer } from '../../../test/harness/mail-server.ts';
import { type Product, startProduct, type TestUser } from '../../../test/harness/product.ts';
import { testContext } from '../../../test/harness/test-context.ts';
import { newId } from '../../base/ids.ts';
import { sql } from '../../platform/postgres/index.ts';
import { notify } from './queries.ts';

const soon = { timeout: 20_000, interval: 20 };

async function createReader(product: Product, email: string): Promise<TestUser> {
  const user = await product.createUser();
  const verify = sql`
    -- test.set_email
    update users set email = ${email}, email_verified = true where user_id = ${user.userId}`;
  await product.postgres.query(verify, testContext());
  return user;
}

/** Tells a user something, by mail too, which is in this queue. */
async function tell(product: Product, { userId }: TestUser, queue: 0 | 1): Promise<void> {
  const id = newId().replace(/.$/, String(queue));
  await product.postgres.query(notify({ userId, id, kind: 'welcome', title: 'Told', body: 'Told.' }), testContext());
}

async function countRunning(product: Product): Promise<number | undefined> {
  const running = sql<{ count: number }>`
    -- test.count_running
    select count(*)::integer as count from graphile_worker._private_jobs where locked_at is not null`;
  return (await product.postgres.query(running, testContext()))[0]?.count;
}

/** A mail server that takes connections and never greets. */
async function startSilentServer(): Promise<{ url: string; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  const port = await listen(server);
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `smtp://127.0.0.1:${port}`, close };
}

it('mail to a server that says nothing keeps two workers, and other jobs are done meanwhile', async () => {
  const silent = await startSilentServer();
  const product = await startProduct({ SMTP_URL: silent.url, JOB_CONCURRENCY: '5' });
  onTestFinished(async () => {
    silent.close();
    await product.stop();
  });
  const reader = await createReader(product, 'reader@example.com');
  for (let round = 0; round < 10; round++) for (const queue of [0, 1] as const) await tell(product, reader, queue);
  await expect.poll(() => countRunning(product), soon).toBeGreaterThanOrEqual(2);
  // Whoever else would take one has looked for it by then: workers look every 2 s.
  await sleep(2_500);
  expect(await countRunning(product)).toBe(2);
  const newcomer = await product.createUser();
  const enqueue = sql<{ id: number }>`
    -- test.enqueue_welcome
    select job.id from graphile_worker.add_job(
      'notifications.welcome', json_build_object('user_id', ${newcomer.userId}::text)
    ) job`;
  await product.postgres.query(enqueue, testContext());
  const told = async () => await (await product.request(newcomer, 'GET', '/v1/notifications')).json();
  // A mail is given up after 10 s.
  await expect.poll(told, { timeout: 4_000, interval: 20 }).toMatchObject({ data: [{ title: 'Welcome' }] });
});

it('a mail that is refused does not hold up those behind it', async () => {
  const tried: string[] = [];
  const mails = await startTestMailServer({
    onRcptTo({ address }, _session, done) {
      tried.push(address);
      if (address === 'full@example.com') done(Object.assign(new Error('mailbox full'), { responseCode: 452 }));
      else done();
    },
  });
  const product = await startProduct({ SMTP_URL: mails.url });
  onTestFinished(async () => {
    await product.stop();
    await mails.close();
  });
  await tell(product, await createReader(product, 'full@example.com'), 0);
  await expect.poll(() => tried, soon).toEqual(['full@example.com']);
  // It waits for 3 s by now.
  await tell(product, await createReader(product, 'reader@example.com'), 0);
  await expect.poll(() => mails.messages.map(({ to }) => to), soon).toEqual([['reader@example.com']]);
  expect(tried).toContain('reader@example.com');
});

it('one worker sends the mails of a queue without a pause between them', async () => {
  const mails = await startTestMailServer();
  const product = await startProduct({ SMTP_URL: mails.url, JOB_CONCURRENCY: '1' });
  onTestFinished(async () => {
    await product.stop();
    await mails.close();
  });
  const reader = await createReader(product, 'reader@example.com');
  for (let round = 0; round < 20; round++) await tell(product, reader, 0);
  await expect.poll(() => mails.messages.length, soon).toBeGreaterThan(0);
  await expect.poll(() => mails.messages.length, { timeout: 10_000, interval: 20 }).toBe(20);
});
