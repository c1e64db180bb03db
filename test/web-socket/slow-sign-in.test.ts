import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { type ChatClient, connectChat } from '../harness/chat-client.ts';
import { startFaultProxy } from '../harness/fault-proxy.ts';
import { type Product, startProduct } from '../harness/product.ts';

/** Longer than a client has to sign in. */
const TOO_LONG_MS = 5_500;

type Finishing = Pick<TestContext, 'onTestFinished'>;

/** A product with a database of its own, on which a test starts another that has seen none of its users. */
async function startOwner({ onTestFinished }: Finishing): Promise<Product> {
  const owner = await startProduct({}, { worksOnJobs: false });
  onTestFinished(() => owner.stop());
  return owner;
}

async function connect(url: string, { onTestFinished }: Finishing): Promise<ChatClient> {
  const client = await connectChat(url);
  onTestFinished(() => client.socket.terminate());
  return client;
}

/** The configuration of a server that looks a client up for so long. */
function lookUpWithin(budgetMs: number): Record<string, string> {
  const names = ['LOOKUP_BUDGET_MS', 'DATABASE_STATEMENT_BUDGET_MS', 'REQUEST_BUDGET_MS'];
  return Object.fromEntries(names.map((name) => [name, String(budgetMs)]));
}

// Side by side: they wait for most of their time.
it.concurrent.for([
  ['before its time is over', 2_000],
  ['after its time was over', 6_000],
] as const)(
  'a client that the database, black-holed, cannot tell of %s is told to try again later',
  async ([_when, lookupBudgetMs], context) => {
    const { onTestFinished } = context;
    const owner = await startOwner(context);
    const user = await owner.createUser();
    const proxy = await startFaultProxy(owner.databaseUrl);
    onTestFinished(() => proxy.close());
    const beside = { ...owner, databaseUrl: proxy.url };
    const product = await startProduct(lookUpWithin(lookupBudgetMs), { worksOnJobs: false, beside });
    onTestFinished(async () => {
      proxy.setMode('reset');
      await product.stop();
    });
    // So that there is a connection to lose.
    await product.request(await product.createUser(), 'GET', '/v1/me');
    proxy.setMode('black-hole');
    const client = await connect(product.url, context);
    client.send({ type: 'auth', token: user.key, client_id: 'a' });
    client.send({ type: 'message', content: 'Hello', client_id: 'm' });
    await client.until(({ client_id }) => client_id === 'a');
    client.send({ type: 'message', content: 'Hello', client_id: 'n' });
    expect(await client.closed()).toBe(1013);
    const answer = { type: 'error', error: { type: 'server_error' }, retry_after_ms: expect.any(Number) };
    for (const frame of client.frames) expect(frame).toMatchObject(answer);
  },
);

it.concurrent('a sign-in that is under way when its time is over decides', async (context) => {
  const { onTestFinished } = context;
  const owner = await startOwner(context);
  const user = await owner.createUser();
  const product = await startProduct(lookUpWithin(60_000), { worksOnJobs: false, beside: owner });
  onTestFinished(() => product.stop());
  const holder = await owner.connect();
  await holder.query('begin');
  await holder.query('lock table api_keys in access exclusive mode');
  const client = await connect(product.url, context);
  client.send({ type: 'auth', token: user.key });
  await sleep(TOO_LONG_MS);
  expect(client.frames).toEqual([]);
  await holder.query('rollback');
  expect(await client.until(() => true)).toEqual({ type: 'ack', user_id: user.userId });
});

it.concurrent('a client that sends nothing is told how to sign in and disconnected when its time is over', async (context) => {
  const client = await connect((await startOwner(context)).url, context);
  expect(await client.closed()).toBe(1008);
  const error = { code: 'auth.missing_credential', message: expect.stringContaining('a first frame of type "auth"') };
  expect(client.frames).toMatchObject([{ error }]);
});

it('a client that sent its key in time is signed in, though the server stood still until the time was over', async (context) => {
  const product = await startOwner(context);
  const user = await product.createUser();
  const client = await connect(product.url, context);
  // In the kernel at once; the server, which is this process too, stands still before it can read it.
  client.send({ type: 'auth', token: user.key });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TOO_LONG_MS);
  expect(await client.until(() => true)).toEqual({ type: 'ack', user_id: user.userId });
});
