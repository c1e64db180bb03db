import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listen } from '../../../test/harness/listen.ts';
import {
  ample,
  beginStream,
  CANARY_KEY,
  closeAfterEach,
  createTestModels,
  drainStream,
  hello,
  settle,
  startModels,
} from '../../../test/harness/test-models.ts';
import type { StubMode, StubProvider } from '../../../test/stubs/provider.ts';
import { Cancelled, Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import { createLogger } from '../../platform/log/index.ts';
import type { ObservedCall } from './guarded-target.ts';

closeAfterEach();

const TEXT = 'one two three four';

/** A TCP server that does with each connection what it is told; answers its host and port. */
async function startSocketServer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  const port = await listen(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${port}`;
}

function abortSeen(provider: StubProvider): Promise<void> {
  return vi.waitFor(() => expect(provider.aborts).toHaveLength(1), { timeout: 1_000, interval: 5 });
}

describe('a provider in trouble', () => {
  it.each<[StubMode, string, number]>([
    ['http-429', 'models.rate_limited', 503],
    ['http-500', 'models.provider_error', 502],
    ['502-html', 'models.provider_error', 502],
    ['401', 'models.refused', 502],
    ['400-openai-error', 'models.invalid_request', 400],
    ['404-html', 'models.bad_response', 502],
    ['malformed-json', 'models.bad_response', 502],
    ['empty-200', 'models.bad_response', 502],
    ['huge-line', 'models.bad_response', 502],
    ['redirect', 'models.bad_response', 502],
    ['reset-mid-stream', 'models.bad_response', 502],
    ['truncated', 'models.bad_response', 502],
    ['error-in-stream', 'models.provider_error', 502],
  ])('of kind %s is %s, streamed and whole, with no secret in it or in the log', async (mode, code, status) => {
    const { models, provider, lines } = await startModels({ mode, text: TEXT, errorMessage: `No, ${CANARY_KEY}!` });
    const log = createLogger({ level: 'trace', destination: { write: (line) => lines.push(line) } });
    const streamed = await drainStream(models, hello(), { deadline: ample() });
    const whole = await settle(models.complete(hello(), { deadline: ample() }));
    for (const { error } of [streamed, whole]) {
      expect(error).toMatchObject({ code, status });
      expect((error as Error).message).not.toContain(CANARY_KEY);
      log.error(error);
    }
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join()).not.toContain(CANARY_KEY);
    expect(provider.requests.map((request) => request.path)).toEqual(['/v1/chat/completions', '/v1/chat/completions']);
  });

  it.each<StubMode>(['reset-mid-stream', 'truncated', 'error-in-stream'])(
    'of kind %s gives the text before it first, and never a finish',
    async (mode) => {
      const { models } = await startModels({ mode, text: TEXT });
      const { text, chunks } = await drainStream(models, hello(), { deadline: ample() });
      expect(TEXT.startsWith(text) && text.length > 0).toBe(true);
      expect(chunks.some((chunk) => chunk.choices[0]?.finish_reason)).toBe(false);
    },
  );

  it('that sends too much is not read beyond 16 MiB', async () => {
    const { models } = await startModels({ mode: 'huge-line' });
    const cause = { message: 'an answer of more than 16777216 bytes' };
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject({ cause });
  });

  it.each([
    ['whole', 'application/json', { message: { role: 'assistant', content: 'AA??BB' }, finish_reason: 'stop' }],
    ['streamed', 'text/event-stream', { index: 0, delta: { content: 'AA??BB' }, finish_reason: 'stop' }],
  ])('that sends text which is not UTF-8, %s, has sent a bad response', async (how, type, choice) => {
    const json = JSON.stringify({ choices: [choice] });
    const body = Buffer.from(how === 'whole' ? json : `data: ${json}\n\n`).map((byte) => (byte === 0x3f ? 0xff : byte));
    const host = await startSocketServer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    const { models } = createTestModels({ baseUrl: `http://${host}/v1` });
    const { error } =
      how === 'whole'
        ? await settle(models.complete(hello(), { deadline: ample() }))
        : await drainStream(models, hello(), { deadline: ample() });
    expect(error).toMatchObject({ code: 'models.bad_response', status: 502 });
  });

  it('that refuses a request as invalid in words that are not UTF-8 has refused it', async () => {
    const body = Buffer.from('{"error":{"message":"Gr\u00fc\u00dfe"}}', 'latin1');
    const host = await startSocketServer((socket) => {
      socket.write(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\n\r\n`);
      socket.write(body);
    });
    const { models } = createTestModels({ baseUrl: `http://${host}/v1` });
    const { error } = await settle(models.complete(hello(), { deadline: ample() }));
    expect(error).toMatchObject({ code: 'models.invalid_request', message: 'Gr\ufffd\ufffde' });
  });

  it('that says why a request is invalid is quoted, with the field', async () => {
    const { models } = await startModels({ mode: '400-openai-error', errorMessage: 'Too long.' });
    const { error } = await drainStream(models, hello(), { deadline: ample() });
    expect(error).toMatchObject({ message: 'Too long.', param: 'messages[0].content' });
  });

  it('that asks for patience is passed on with its time', async () => {
    const { models } = await startModels({ mode: 'http-429', retryAfter: '7' });
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject({ retryAfterMs: 7_000 });
  });
});

describe('a provider that is slow', () => {
  it.each<StubMode>(['no-first-byte', 'headers-only'])('to begin (%s) is given up at the bound', async (mode) => {
    const { models, provider } = await startModels({ mode }, { firstByteTimeoutMs: 150 });
    const { error } = await drainStream(models, hello(), { deadline: ample() });
    expect(error).toMatchObject({ code: 'models.timeout', status: 504, message: expect.stringContaining('beginning') });
    await abortSeen(provider);
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject({ code: 'models.timeout' });
  });

  it('in mid stream is given up at the bound, after its text', async () => {
    const { models, provider } = await startModels({ mode: 'stall-mid-stream', text: TEXT }, { chunkTimeoutMs: 150 });
    const { error, text } = await drainStream(models, hello(), { deadline: ample() });
    expect(text).toBe('one two');
    expect(error).toMatchObject({ code: 'models.timeout', message: expect.stringContaining('next part') });
    await abortSeen(provider);
  });

  it('or endless is given up at the total', async () => {
    const { models, provider } = await startModels({ mode: 'endless', text: TEXT }, { totalTimeoutMs: 200 });
    const { error, chunks } = await drainStream(models, hello(), { deadline: ample() });
    expect(chunks.length).toBeGreaterThan(2);
    expect(error).toMatchObject({ code: 'models.timeout', message: expect.stringContaining('end') });
    await abortSeen(provider);
  });

  it('only after all of its answer has answered', async () => {
    const finish = JSON.stringify({ choices: [{ index: 0, delta: { content: 'all' }, finish_reason: 'stop' }] });
    const host = await startSocketServer((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ${finish}\n\n`),
    );
    const { models } = createTestModels({ baseUrl: `http://${host}/v1`, chunkTimeoutMs: 100 });
    expect(await drainStream(models, hello(), { deadline: ample() })).toMatchObject({
      text: 'all',
      error: undefined,
    });
  });
});

describe('a reader who is slow', () => {
  it('until the total is told that its own time is up, and the target is not blamed', async () => {
    const calls: ObservedCall[] = [];
    const { models, provider } = await startModels(
      { mode: 'endless', text: TEXT },
      { totalTimeoutMs: 200 },
      { onCall: (call) => calls.push(call) },
    );
    for (let asked = 1; asked <= 6; asked++) {
      const stream = await beginStream(models, hello(), { deadline: ample() });
      // Nothing more is taken before the total has passed.
      await vi.waitFor(() => expect(provider.aborts).toHaveLength(asked), { timeout: 1_000, interval: 5 });
      expect((await stream.goOn()).error).toBeInstanceOf(DeadlineExceeded);
    }
    expect(calls.map(({ outcome }) => outcome)).toEqual(Array(6).fill('cancelled'));
    expect(models.health()).toEqual([{ model: 'stub', target: 'test', state: 'closed' }]);
  });

  it('until the total, but has got all of the answer by then, has got it', async () => {
    const finish = JSON.stringify({ choices: [{ index: 0, delta: { content: 'all' }, finish_reason: 'stop' }] });
    const hasClosed = Promise.withResolvers<void>();
    const host = await startSocketServer((socket) => {
      socket.on('close', () => hasClosed.resolve()).resume();
      socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ${finish}\n\n`);
    });
    const { models } = createTestModels({ baseUrl: `http://${host}/v1`, totalTimeoutMs: 200 });
    const stream = await beginStream(models, hello(), { deadline: ample() });
    await hasClosed.promise;
    expect(await stream.goOn()).toMatchObject({ text: 'all', error: undefined });
  });
});

describe('a provider that cannot be reached', () => {
  it('because it refuses connections is an error at once', async () => {
    const { models } = createTestModels({ baseUrl: 'http://127.0.0.1:1/v1' });
    const { error } = await drainStream(models, hello(), { deadline: ample() });
    expect(error).toMatchObject({ code: 'models.unreachable', status: 502, retryAfterMs: 1_000 });
    expect((error as Error).message).not.toContain('127.0.0.1');
  });

  it('because it never completes the connection is an error at the connect bound, and is not tried again', async () => {
    const [onConnection, error] = [vi.fn(), { code: 'models.unreachable', cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } }];
    const host = await startSocketServer(onConnection);
    const { models } = createTestModels({ baseUrl: `https://${host}/v1`, connectTimeoutMs: 150, retries: 1 });
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject(error);
    expect(onConnection).toHaveBeenCalledTimes(1);
  });

  it('because its TLS is bad is an error', async () => {
    const host = await startSocketServer((socket) => socket.end('SSH-2.0\r\n'));
    const { models } = createTestModels({ baseUrl: `https://${host}/v1` });
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject({ code: 'models.unreachable' });
  });

  it('because it hangs up without an answer is an error', async () => {
    const host = await startSocketServer((socket) => socket.once('data', () => socket.end()));
    const { models } = createTestModels({ baseUrl: `http://${host}/v1` });
    await expect(models.complete(hello(), { deadline: ample() })).rejects.toMatchObject({ code: 'models.unreachable' });
  });

  it('in HTTP has sent a bad response', async () => {
    const host = await startSocketServer((socket) => socket.end('SSH-2.0\r\n'));
    const { models } = createTestModels({ baseUrl: `http://${host}/v1` });
    const { error } = await settle(models.complete(hello(), { deadline: ample() }));
    expect(error).toMatchObject({ code: 'models.bad_response' });
  });
});

describe('a caller who leaves', () => {
  it('before the first byte aborts the request within a second', async () => {
    const { models, provider } = await startModels({ mode: 'no-first-byte' });
    const deadline = ample();
    const completion = models.complete(hello(), { deadline });
    completion.catch(() => {});
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1));
    deadline.cancel();
    await expect(completion).rejects.toThrow(Cancelled);
    await abortSeen(provider);
  });

  it('in mid stream aborts the request within a second', async () => {
    const { models, provider } = await startModels({ mode: 'stall-mid-stream', text: TEXT });
    const deadline = ample();
    const stream = await beginStream(models, hello(), { deadline });
    const drained = stream.goOn();
    deadline.cancel();
    expect((await drained).error).toBeInstanceOf(Cancelled);
    await abortSeen(provider);
  });

  it('by failing to take a chunk aborts the request within a second, and is told what it failed with', async () => {
    const { models, provider } = await startModels({ mode: 'endless', text: TEXT });
    const failure = new Error('cannot be taken');
    const stream = models.stream(hello(), { deadline: ample() }, () => {
      throw failure;
    });
    await expect(stream).rejects.toBe(failure);
    expect(models.health()).toEqual([{ model: 'stub', target: 'test', state: 'closed' }]);
    await abortSeen(provider);
  });

  it('by running out of time gets the reason of the deadline, not a time-out of the provider', async () => {
    const { models, provider } = await startModels({ mode: 'no-first-byte' });
    const { error } = await drainStream(models, hello(), { deadline: Deadline.after(100) });
    expect(error).toBeInstanceOf(DeadlineExceeded);
    await abortSeen(provider);
  });

  it('does not wait for a connection that does not come', async () => {
    const host = await startSocketServer(() => {});
    const { models } = createTestModels({ baseUrl: `https://${host}/v1` });
    const { error } = await drainStream(models, hello(), { deadline: Deadline.after(100) });
    expect(error).toBeInstanceOf(DeadlineExceeded);
  }, 2_000);

  it('before asking asks nothing', async () => {
    const { models, provider } = await startModels();
    const deadline = ample();
    deadline.cancel();
    await expect(models.complete(hello(), { deadline })).rejects.toThrow(Cancelled);
    expect(provider.requests).toEqual([]);
  });

  it('with the whole gateway ends what is under way', async () => {
    const { models, provider } = await startModels({ mode: 'endless', text: TEXT });
    const stream = await beginStream(models, hello(), { deadline: ample() });
    const drained = stream.goOn();
    await models.close();
    expect((await drained).error).toMatchObject({ code: 'models.bad_response' });
    await abortSeen(provider);
  });
});
