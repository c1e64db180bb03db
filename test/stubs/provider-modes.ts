import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout as wait } from 'node:timers/promises';

import { DONE, type StubAnswer, toEvent } from './provider-answers.ts';

/** What a mode has to work with. */
export interface StubExchange {
  readonly response: ServerResponse;
  readonly answer: StubAnswer;
  readonly isStream: boolean;
  /** Between two chunks. */
  readonly delayMs: number;
  /** The value of Retry-After, of `http-429`. */
  readonly retryAfter: string;
  /** The words of the error, of `400-openai-error`, `400-too-long`, `400-flat-error`, `401` and `http-429`. */
  readonly errorMessage: string;
}

type Mode = (exchange: StubExchange) => Promise<void> | void;

const SLOW_MS = 1_000;

function begin({ response, isStream }: StubExchange): void {
  const type = isStream ? 'text/event-stream; charset=utf-8' : 'application/json';
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
}

/** Until the reader has caught up or is gone. */
function untilRoom(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}

/** Writes pieces, waiting between them and for a reader who is slow, until the client is gone. */
async function write({ response }: StubExchange, pieces: Iterable<string | Uint8Array>, delayMs: number) {
  for (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) await untilRoom(response);
    if (delayMs > 0) await wait(delayMs);
  }
}

function toBytes({ answer, isStream }: StubExchange): string {
  return isStream ? answer.events().join('') + DONE : answer.completion();
}

/** The first half of a good answer. */
async function writeHalf(exchange: StubExchange): Promise<void> {
  begin(exchange);
  const { answer, isStream, delayMs } = exchange;
  const completion = answer.completion();
  const events = answer.events();
  const half = isStream ? events.slice(0, events.length / 2) : [completion.slice(0, completion.length / 2)];
  await write(exchange, half, delayMs);
}

async function writeAll(exchange: StubExchange, delayMs: number): Promise<void> {
  begin(exchange);
  const { answer, isStream, response } = exchange;
  // Without a delay all of it is there at once, and leaves as one.
  if (delayMs === 0) response.write(toBytes(exchange));
  else await write(exchange, isStream ? [...answer.events(), DONE] : [answer.completion()], delayMs);
  response.end();
}

/** All the bytes of a good answer in slices of so many, each on its own way. */
async function writeSliced(exchange: StubExchange, text: string, sliceBytes: number): Promise<void> {
  begin(exchange);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length && !exchange.response.destroyed; at += sliceBytes) {
    exchange.response.write(bytes.subarray(at, at + sliceBytes));
    // The next turn of the event loop: writes of one turn leave together.
    await setImmediate();
  }
  exchange.response.end();
}

function refuse({ response }: StubExchange, status: number, error: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error }));
}

function* repeated(piece: string): Generator<string> {
  while (true) yield piece;
}

/** What a client can do without, though OpenAI promises it. */
const dispensable = new Set(['id', 'object', 'created', 'model', 'index', 'role', 'type', 'finish_reason']);

/** The index of a tool call in a piece of a stream, and its type. */
const SPARED_OF_CALLS = /(?<="tool_calls":\[\{)"index":\d+,|"type":"function",/g;

/** A good answer without what a client can do without, and without what is null. */
function toSparse(completion: string): string {
  return JSON.stringify(
    JSON.parse(completion, (key, value) => (dispensable.has(key) ? undefined : (value ?? undefined))),
  );
}

/** What each mode does to a request for a completion. All behave as described for streams and for whole answers. */
export const modes = {
  ok: (exchange) => writeAll(exchange, exchange.delayMs),
  slow: (exchange) => writeAll(exchange, SLOW_MS),
  'tool-call': (exchange) => writeAll(exchange, exchange.delayMs),
  /** A stream leaves out what calls of tools can do without. */
  sparse: (exchange) => {
    begin(exchange);
    const { answer, isStream, response } = exchange;
    response.end(isStream ? toBytes(exchange).replaceAll(SPARED_OF_CALLS, '') : toSparse(answer.completion()));
  },
  'no-first-byte': () => {},
  'headers-only': (exchange) => {
    begin(exchange);
    exchange.response.flushHeaders();
  },
  'stall-mid-stream': writeHalf,
  'reset-mid-stream': async (exchange) => {
    await writeHalf(exchange);
    // Lets what was written leave before the reset overtakes it.
    await wait(20);
    exchange.response.socket?.resetAndDestroy();
  },
  truncated: async (exchange) => {
    await writeHalf(exchange);
    exchange.response.end();
  },
  'http-429': (exchange) => {
    exchange.response.setHeader('retry-after', exchange.retryAfter);
    refuse(exchange, 429, {
      message: exchange.errorMessage,
      type: 'requests',
      param: null,
      code: 'rate_limit_exceeded',
    });
  },
  'http-500': (exchange) => refuse(exchange, 500, { message: 'The server had an error', type: 'server_error' }),
  '502-html': ({ response }) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<html><body><h1>502 Bad Gateway</h1></body></html>');
  },
  '401': (exchange) =>
    refuse(exchange, 401, { message: exchange.errorMessage, type: 'invalid_request_error', code: 'invalid_api_key' }),
  '400-openai-error': (exchange) =>
    refuse(exchange, 400, {
      message: exchange.errorMessage,
      type: 'invalid_request_error',
      param: 'messages[0].content',
      code: 'invalid_value',
    }),
  '400-too-long': (exchange) =>
    refuse(exchange, 400, {
      message: exchange.errorMessage,
      type: 'invalid_request_error',
      param: 'messages',
      code: 'context_length_exceeded',
    }),
  /** As vLLM words it. */
  '400-flat-error': ({ response, errorMessage: message }) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 }));
  },
  '413-html': ({ response }) => {
    response.writeHead(413, { 'content-type': 'text/html' });
    response.end('<html><body><h1>413 Request Entity Too Large</h1></body></html>');
  },
  '404-html': ({ response }) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<html><body>Not Found</body></html>');
  },
  'malformed-json': async (exchange) => {
    begin(exchange);
    await write(exchange, [exchange.isStream ? `data: {"id": "x", choi\n\n${DONE}` : '{"id": "x", choi'], 0);
    exchange.response.end();
  },
  /** In a stream, only pieces that say nothing. */
  'says-nothing': (exchange) => {
    begin(exchange);
    const pieces = toEvent({ id: 'x', choices: null }) + toEvent({ id: 'x', choices: [] });
    exchange.response.end(exchange.isStream ? pieces : '{"id":"x","choices":[]}');
  },
  /** A stream that ends well without a word. */
  'only-done': (exchange) => {
    begin(exchange);
    exchange.response.end(exchange.isStream ? DONE : '{"id":"x","choices":[]}');
  },
  /** A good answer that begins with a piece without choices, and whose usage has neither choices nor a total. */
  loose: (exchange) => {
    begin(exchange);
    const beginning = exchange.isStream ? toEvent({ id: 'x', choices: null }) : '';
    const bytes = toBytes(exchange)
      .replace('"choices":[],', '')
      .replace(/,"total_tokens":\d+/, '');
    exchange.response.end(beginning + bytes);
  },
  'empty-200': (exchange) => {
    begin(exchange);
    exchange.response.end();
  },
  crlf: (exchange) => writeSliced(exchange, toBytes(exchange).replaceAll('\n', '\r\n'), 1_000),
  'split-utf8': (exchange) => writeSliced(exchange, toBytes(exchange), 3),
  'one-byte': (exchange) => writeSliced(exchange, toBytes(exchange), 1),
  'no-done': async (exchange) => {
    begin(exchange);
    await write(exchange, exchange.isStream ? exchange.answer.events() : [exchange.answer.completion()], 0);
    exchange.response.end();
  },
  /** Counts more tokens than fit into 32 bits with a sign. */
  'huge-count': (exchange) => {
    begin(exchange);
    exchange.response.end(toBytes(exchange).replace(/"completion_tokens":\d+/, '"completion_tokens":4294967295'));
  },
  'huge-line': async (exchange) => {
    begin(exchange);
    const megabyte = 'x'.repeat(1024 * 1024);
    await write(exchange, [exchange.isStream ? 'data: {"id":"' : '{"id":"', ...Array(20).fill(megabyte)], 0);
    exchange.response.end('"}\n\n');
  },
  endless: async (exchange) => {
    begin(exchange);
    const events = exchange.answer.events();
    await write(exchange, repeated(exchange.isStream ? (events[1] ?? '') : ' '.repeat(65_536)), 5);
  },
  redirect: ({ response }) => {
    response.writeHead(307, { location: '/v1/redirected/chat/completions' });
    response.end();
  },
  'error-in-stream': async (exchange) => {
    const error = { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } };
    if (exchange.isStream) {
      await writeHalf(exchange);
      exchange.response.end(toEvent(error) + DONE);
    } else {
      begin(exchange);
      exchange.response.end(JSON.stringify(error));
    }
  },
} satisfies Record<string, Mode>;

export type StubMode = keyof typeof modes;

/** Whether a word names a mode. */
export function isStubMode(word: string): word is StubMode {
  return Object.hasOwn(modes, word);
}
