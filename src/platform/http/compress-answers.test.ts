import { pbkdf2 } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as startRequest } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRaw, createTestServer, listen, type TestServer } from '../../../test/harness/http-server.ts';

const derive = promisify(pbkdf2);

const LEAST_BYTES = 16 * 1024;
const long = { words: Array.from({ length: 3000 }, (_, index) => `word ${index} 你好`) };
const longText = JSON.stringify(long);
/** Takes long to compress, and longer than the budget of its route. As bytes: the event loop would stand still to make them. */
const endless = Buffer.from(longText.repeat(1000));
const pieces = Array.from({ length: 5000 }, (_, index) => `${JSON.stringify({ index, text: 'some text 你好' })}\n`);
const piecesBytes = Buffer.byteLength(pieces.join(''));

let made: TestServer;
let port: number;
/** Opens for those who wait at `/gate`, once so many do. */
let gate: { readonly awaited: number; waiting: (() => void)[] } = { awaited: 0, waiting: [] };

/** Fails after so many pieces, and turns of the event loop. */
async function* fail(pieceCount: number, turnCount: number): AsyncGenerator<string> {
  for (let given = 0; given < pieceCount; given += 1) yield longText;
  for (let turn = 0; turn < turnCount; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  throw new Error('The source is broken.');
}

let source: Readable;

async function* repeat(): AsyncGenerator<string> {
  for (;;) yield longText;
}

/** What is long and yet not compressed, and why. */
const exempt: Record<string, (reply: FastifyReply) => unknown> = {
  // As bytes: after some thousand short texts that are not ASCII, Node 24.22 forgets to say that more can be written.
  'an event stream': (reply) => reply.type('text/event-stream').send(Readable.from(pieces, { objectMode: false })),
  'what is no text': (reply) => reply.type('image/png').send(Buffer.from(longText)),
  'what nobody may change': (reply) => reply.header('cache-control', 'public, no-transform').send(long),
  'what is compressed already': (reply) => reply.type('text/css').header('content-encoding', 'zstd').send(longText),
  'a part of a file': (reply) =>
    reply.code(206).header('content-range', 'bytes 0-9/90').type('text/css').send(longText),
  'a short file': (reply) =>
    reply
      .type('text/css')
      .header('content-length', 5)
      .send(Readable.from(['a { }'])),
};

beforeAll(async () => {
  made = createTestServer((server) => {
    const open = { access: 'public' };
    server.get('/long', { config: open }, async (_request, reply) => reply.header('etag', 'W/"v7"').send(long));
    server.get('/private', { config: { access: 'x:read' } }, async () => long);
    server.get('/chars/:count', { config: open }, async ({ params }) =>
      'a'.repeat(Number((params as { count: string }).count)),
    );
    server.get('/unchanged', { config: open }, async (_request, reply) => reply.code(304).send());
    server.get('/exempt/:name', { config: open }, async ({ params }, reply) =>
      exempt[(params as { name: string }).name]?.(reply),
    );
    server.get('/pieces', { config: open }, async (_request, reply) =>
      reply
        .type('application/json')
        .headers({ 'accept-ranges': 'bytes', 'content-length': piecesBytes })
        .send(Readable.from(pieces)),
    );
    server.get('/fails/:pieces/:turns', { config: open }, async ({ params }, reply) => {
      const { pieces: count, turns } = params as Record<string, string>;
      return reply.type('application/json').send(Readable.from(fail(Number(count), Number(turns))));
    });
    server.get('/unending', { config: open }, async (_request, reply) => {
      source = Readable.from(repeat());
      return reply.type('application/json').send(source);
    });
    server.get('/endless', { config: open }, async (_request, reply) => reply.type('text/plain').send(endless));
    server.get('/overdue', { config: { access: 'public', budgetMs: 1 } }, async (_request, reply) =>
      reply.type('text/plain').send(endless),
    );
    server.get('/gate', { config: open }, async () => {
      await new Promise<void>((resolve) => {
        gate.waiting.push(resolve);
        if (gate.waiting.length === gate.awaited) for (const go of gate.waiting) go();
      });
      return long;
    });
  });
  port = await listen(made.server);
});
afterAll(() => made.server.close());

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Asks as a client does that decompresses nothing by itself. */
async function ask(
  path: string,
  accepted?: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
): Promise<Answer> {
  const request = startRequest({
    port,
    path: encodeURI(path),
    method,
    headers: { ...headers, ...(accepted !== undefined && { 'accept-encoding': accepted }) },
  }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

function decompress({ headers, body }: Answer): string {
  const coding = headers['content-encoding'];
  return String(coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body);
}

/** What the log tells of an answer, beside its one line. */
const troubles = () => made.lines.filter(({ msg, level }) => msg !== 'request' && level !== 'info');

describe('a long answer', () => {
  test.each(['gzip', 'br'])('is the same with %s, in fewer bytes', async (coding) => {
    const plain = await ask('/long');
    const answer = await ask('/long', coding);
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(answer.headers['content-encoding']).toBe(coding);
    expect(answer.body.length).toBeLessThan(plain.body.length / 3);
    expect([decompress(answer), String(plain.body)]).toEqual([longText, longText]);
    expect(answer.headers['content-length']).toBe(String(answer.body.length));
    const without = ({ headers }: Answer) => {
      const changing = ['content-length', 'content-encoding', 'server-timing', 'x-request-id', 'date'];
      return Object.fromEntries(Object.entries(headers).filter(([name]) => !changing.includes(name)));
    };
    expect(without(answer)).toEqual(without(plain));
    expect(answer.headers.etag).toBe('W/"v7"');
  });

  test('goes as it is to a client that takes nothing else, or says what cannot be read', async () => {
    for (const accepted of [undefined, 'identity', 'gzip;q=0', 'identity;q=0', 'gzip;q=much', ',;=,"']) {
      const { status, headers, body } = await ask('/long', accepted);
      expect([status, String(body)], accepted).toEqual([200, longText]);
      expect(headers['content-length'], accepted).toBe(String(body.length));
      expect(headers, accepted).not.toHaveProperty('content-encoding');
    }
  });

  test('tells caches that it depends on the client, whatever this one takes', async () => {
    for (const accepted of [undefined, 'gzip', 'identity']) {
      expect((await ask('/long', accepted)).headers.vary, accepted).toBe('Origin, Accept-Encoding');
      const { headers } = await ask('/private', accepted, { authorization: 'Bearer good' });
      expect(headers.vary, accepted).toBe('Origin, Authorization, Accept-Encoding');
    }
    expect((await ask('/unchanged', 'gzip')).headers.vary).toBe('Origin, Accept-Encoding');
  });

  test('has the same headers when only they are asked for', async () => {
    for (const accepted of ['gzip', 'identity']) {
      const got = await ask('/long', accepted);
      const head = await ask('/long', accepted, { method: 'HEAD' });
      expect(head.body.length).toBe(0);
      for (const name of ['content-length', 'content-encoding', 'content-type', 'vary', 'etag'])
        expect(head.headers[name], name).toBe(got.headers[name]);
    }
  });

  test('begins where a new connection would need to wait', async () => {
    const short = await ask(`/chars/${LEAST_BYTES - 1}`, 'gzip');
    expect(short.body.length).toBe(LEAST_BYTES - 1);
    expect(short.headers).not.toHaveProperty('content-encoding');
    expect(short.headers.vary).toBe('Origin');
    expect((await ask(`/chars/${LEAST_BYTES}`, 'gzip')).headers['content-encoding']).toBe('gzip');
  });
});

test.each(Object.keys(exempt))('%s goes as it is', async (name) => {
  const plain = await ask(`/exempt/${name}`);
  const answer = await ask(`/exempt/${name}`, 'gzip, br');
  expect(plain.body.length).toBeGreaterThan(0);
  expect(answer.body.equals(plain.body)).toBe(true);
  expect(answer.headers['content-encoding']).toBe(plain.headers['content-encoding']);
  expect(answer.headers.vary).toBe('Origin');
});

describe('a stream', () => {
  test.each(['gzip', 'br'])('is the same with %s, in fewer bytes', async (coding) => {
    const answer = await ask('/pieces', coding);
    expect(answer.headers['content-encoding']).toBe(coding);
    expect(answer.headers).not.toHaveProperty('content-length');
    expect(answer.headers).not.toHaveProperty('accept-ranges');
    expect(decompress(answer)).toBe(pieces.join(''));
    expect(answer.body.length).toBeLessThan(pieces.join('').length / 5);
    expect((await ask('/pieces')).headers['accept-ranges']).toBe('bytes');
  });

  test.each([0, 10])(
    'that fails before anything was sent is answered with an error that can be read: %i',
    async (turns) => {
      const { status, headers, body } = await ask(`/fails/0/${turns}`, 'gzip');
      expect(status).toBe(500);
      expect(headers).not.toHaveProperty('content-encoding');
      expect(JSON.parse(String(body))).toMatchObject({ error: { code: 'http.internal' } });
    },
  );

  test('that fails later breaks off', async () => {
    await expect(ask('/fails/40/1', 'gzip')).rejects.toThrow('aborted');
  });

  test('whose reader leaves ends its source', async () => {
    const connection = connectRaw(port, 'GET /unending HTTP/1.1\r\nhost: a\r\naccept-encoding: br\r\n\r\n');
    await connection.until(/content-encoding: br/);
    connection.socket.destroy();
    await expect.poll(() => source.destroyed).toBe(true);
  });
});

describe('while an answer is compressed', () => {
  test('others are answered', async () => {
    const order: string[] = [];
    await Promise.all([
      ask('/endless', 'gzip').then(() => order.push('endless')),
      ask('/long').then(() => order.push('long')),
    ]);
    expect(order).toEqual(['long', 'endless']);
  });

  test('at most one other is, and the rest goes as it is', async () => {
    for (const awaited of [5, 2]) {
      gate = { awaited, waiting: [] };
      const answers = await Promise.all(Array.from({ length: awaited }, () => ask('/gate', 'gzip')));
      expect(answers.filter(({ headers }) => headers['content-encoding'] === 'gzip').length).toBe(2);
      expect(answers.map(decompress)).toEqual(Array(awaited).fill(longText));
      expect(new Set(answers.map(({ headers }) => headers.vary))).toEqual(new Set(['Origin, Accept-Encoding']));
    }
  });

  test('its deadline may end: then that is the answer, and the only one', async () => {
    const before = troubles().length;
    // All of Node's threads are busy for a second or more: the answer cannot be ready before its time is over.
    const busy = Promise.all(Array.from({ length: 4 }, () => derive('a', 'b', 2_000_000, 32, 'sha256')));
    const connection = connectRaw(port, 'GET /overdue HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\n\r\n');
    const text = await connection.until(/"code":"http.deadline_exceeded"/);
    expect(text).toMatch(/^HTTP\/1.1 503 /);
    expect(text).not.toContain('content-encoding');
    await busy;
    // Both threads have to be free again, which they are when the answer that nobody waits for is ready.
    await expect.poll(async () => (await ask('/long', 'gzip')).headers['content-encoding']).toBe('gzip');
    connection.socket.write('GET /chars/3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    expect((await connection.closed()).split('HTTP/1.1 ').length).toBe(3);
    expect(troubles().length).toBe(before);
  });

  test('its reader may leave, and nobody is troubled', async () => {
    const before = troubles().length;
    for (const id of ['leaves-1', 'leaves-2']) {
      const connection = connectRaw(
        port,
        `GET /endless HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip\r\nx-request-id: ${id}\r\n\r\n`,
      );
      await once(made.server.server, 'request');
      connection.socket.destroy();
      expect(await made.lineOf(id)).toMatchObject({ status: 499 });
    }
    gate = { awaited: 2, waiting: [] };
    await expect
      .poll(async () =>
        (await Promise.all([ask('/long', 'gzip'), ask('/long', 'gzip')])).map(
          ({ headers }) => headers['content-encoding'],
        ),
      )
      .toEqual(['gzip', 'gzip']);
    expect(troubles().length).toBe(before);
  });
});
