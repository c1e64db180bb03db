import { createServer as createHttpServer } from 'node:http';
import { createServer as createNetServer, type Server as NetServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import {
  closeAfterEach,
  drainStream,
  hello,
  openTestModels,
  settle,
  startProvider,
  testTarget,
} from '../../../test/harness/test-models.ts';
import { Cancelled, Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import type { Models, TargetDefinition } from './create-models.ts';
import type { ModelCall } from './target.ts';

closeAfterEach();

/** A model with these targets, and a call of it, with the names under which it was told to have been left. */
function prepare(...targets: (Partial<TargetDefinition> & { baseUrl: string })[]) {
  const { models } = openTestModels({ models: [{ name: 'smart', targets: targets.map(testTarget) }] });
  const left: string[] = [];
  const deadline = Deadline.after(20_000);
  return { models, left, call: { deadline, onLeft: (model: string) => left.push(model), fallBackToOffline: true } };
}

const askedBoth: [string, (models: Models, call: ModelCall) => Promise<{ error: unknown }>][] = [
  ['streamed', (models, call) => drainStream(models, hello(), call)],
  ['whole', (models, call) => settle(models.complete(hello(), call))],
];

/** The address of a server of the test's own. */
async function serve(server: NetServer): Promise<string> {
  onTestFinished(() => void server.close());
  return `127.0.0.1:${await listen(server)}`;
}

test.each(askedBoth)(
  "a call that is left before the first piece says so, by the model's name, %s",
  async (_how, ask) => {
    const provider = await startProvider({ mode: 'no-first-byte' });
    const { models, left, call } = prepare({ baseUrl: provider.url, model: 'its-own-name' });
    const asking = ask(models, call);
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1));
    call.deadline.cancel();
    expect((await asking).error).toBeInstanceOf(Cancelled);
    expect(left).toEqual(['smart']);
  },
);

test('a call that is left after its answer has begun says so', async () => {
  const provider = await startProvider({ mode: 'stall-mid-stream' });
  const { models, left, call } = prepare({ baseUrl: provider.url });
  await models.stream(hello(), call, () => void call.deadline.cancel()).catch(() => undefined);
  expect(left).toEqual(['smart']);
});

test('a call that is left says so once, however many targets failed before', async () => {
  const [first, second] = await Promise.all([
    startProvider({ mode: 'no-first-byte' }),
    startProvider({ mode: 'no-first-byte' }),
  ]);
  const { models, left, call } = prepare({ baseUrl: first.url, firstByteTimeoutMs: 50 }, { baseUrl: second.url });
  const asking = settle(models.complete(hello(), call));
  await vi.waitFor(() => expect(second.requests).toHaveLength(1));
  call.deadline.cancel();
  await asking;
  expect(left).toEqual(['smart']);
});

test.each([
  ['is slow', { mode: 'no-first-byte' }],
  ['refuses', { mode: '401' }],
  ['fails', { mode: 'http-500' }],
  ['breaks off', { mode: 'reset-mid-stream' }],
] as const)('a call is not said to be left where the provider %s', async (_how, stub) => {
  const provider = await startProvider(stub);
  const { models, left, call } = prepare({ baseUrl: provider.url, firstByteTimeoutMs: 100 });
  await settle(models.complete(hello(), call));
  await drainStream(models, hello(), call);
  expect(provider.requests).toHaveLength(2);
  expect(left).toEqual([]);
});

test('a call is not said to be left where its provider cannot be reached', async () => {
  const { models, left, call } = prepare({ baseUrl: 'http://127.0.0.1:1/v1' });
  await settle(models.complete(hello(), call));
  expect(left).toEqual([]);
});

test('a call that is left while its connection is being made does not say so', async () => {
  const connected = Promise.withResolvers<void>();
  // Nothing is answered, not even what TLS begins with.
  const host = await serve(createNetServer(() => connected.resolve()));
  const { models, left, call } = prepare({ baseUrl: `https://${host}/v1` });
  const asking = settle(models.complete(hello(), call));
  await connected.promise;
  call.deadline.cancel();
  expect((await asking).error).toBeInstanceOf(Cancelled);
  expect(left).toEqual([]);
});

test('a call that is left in the pause before it is tried again does not say so', async () => {
  const provider = await startProvider({ mode: 'http-429', retryAfter: '10' });
  const { models, left, call } = prepare({ baseUrl: provider.url, retries: 2 });
  const asking = settle(models.complete(hello(), call));
  await vi.waitFor(() => expect(models.health()).toMatchObject([{ last_error_code: 'models.rate_limited' }]));
  call.deadline.cancel();
  expect((await asking).error).toBeInstanceOf(Cancelled);
  expect(left).toEqual([]);
});

test('a call that is left while the words of a refusal come does not say so', async () => {
  const host = await serve(createHttpServer((_request, response) => response.writeHead(401).flushHeaders()));
  const { models, left, call } = prepare({ baseUrl: `http://${host}/v1` });
  const { error } = await settle(models.complete(hello(), { ...call, deadline: Deadline.after(300) }));
  expect(error).toBeInstanceOf(DeadlineExceeded);
  expect(left).toEqual([]);
});
