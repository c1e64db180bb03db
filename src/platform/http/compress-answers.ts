import { pipeline, type Readable } from 'node:stream';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { addVary } from './answer-headers.ts';
import { type Coding, findCoding } from './find-coding.ts';
import type { RequestContext } from './request-context.ts';

/**
 * Shorter answers go as they are, in bytes; of text its length is compared, which costs nothing and is never more. About
 * what a new connection carries at once, ten packets: less would cost each of thousands of answers a second ten times its
 * other work, and have none arrive sooner; more would make pages of 50 messages wait for packets to be acknowledged.
 */
const LEAST_BYTES = 16 * 1024;

/**
 * As many answers that are no streams are compressed at once at the most, and others go as they are: half of the threads that
 * Node has for this, which also look up names and read files. More would keep those waiting, and answers in line for the time
 * of their deadlines; one would leave a core idle.
 */
const MOST_AT_ONCE = 2;

/** A stream is compressed in blocks of at least so many bytes: a thread is asked for each, and Brotli starts anew with each. */
const BLOCK_BYTES = 64 * 1024;

/** The fastest that is worth it: higher levels cost up to three times the time for a tenth of the bytes. */
const gzipOptions = { level: 1 };
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** What gets shorter. Server-sent events must leave when they happen. */
const COMPRESSIBLE = /^(?:text\/(?!event-stream)|application\/(?:json|javascript)\b)/;

type Body = string | Buffer | Readable;

const isStream = (body: unknown): body is Readable => typeof (body as Readable | null)?.pipe === 'function';

/** Whether the answer is compressed for clients that take it: then all have to be told that it depends on the client. */
function isCompressible(reply: FastifyReply, payload: unknown): payload is Body {
  if (!isStream(payload) && typeof payload !== 'string' && !Buffer.isBuffer(payload)) return false;
  const bytes = isStream(payload) ? Number(reply.getHeader('content-length') ?? Infinity) : payload.length;
  if (bytes < LEAST_BYTES || !COMPRESSIBLE.test(String(reply.getHeader('content-type')))) return false;
  // A part of a file is counted in the file's own bytes.
  if (reply.hasHeader('content-encoding') || reply.hasHeader('content-range')) return false;
  return !String(reply.getHeader('cache-control')).includes('no-transform');
}

function markCompressed(reply: FastifyReply, coding: Coding): void {
  reply.removeHeader('content-length').removeHeader('accept-ranges').header('content-encoding', coding);
}

async function* inBlocks(pieces: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let block: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    const part = Buffer.from(piece as string);
    bytes += part.length;
    block.push(part);
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(block);
    block = [];
    bytes = 0;
  }
  yield Buffer.concat(block);
}

function compressStream(body: Readable, coding: Coding, reply: FastifyReply): Readable {
  const compressor = coding === 'br' ? createBrotliCompress(brotliOptions) : createGzip(gzipOptions);
  // What fails before anything was sent is answered with an error, which is not compressed.
  compressor.once('error', () => reply.removeHeader('content-encoding'));
  return pipeline(body, inBlocks, compressor, () => {});
}

function compressWhole(
  body: string | Buffer,
  coding: Coding,
  done: (error: Error | null, result: Buffer) => void,
): void {
  if (coding === 'br') brotliCompress(body, brotliOptions, done);
  else gzip(body, gzipOptions, done);
}

/**
 * Has long answers of text and JSON compressed where the client takes that, on Node's thread pool. Only their bytes change,
 * and the headers that tell of those. Nothing is awaited for short ones.
 */
export function compressAnswers(server: FastifyInstance): void {
  let compressing = 0;
  // biome-ignore lint/complexity/useMaxParams: Fastify tells a hook with a callback from one with a promise by these four.
  server.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload === 'string' && payload.length < LEAST_BYTES) return done();
    // Says what the answer would say that it stands for.
    if (reply.statusCode === 304) addVary(reply, 'Accept-Encoding');
    if (!isCompressible(reply, payload)) return done();
    addVary(reply, 'Accept-Encoding');
    const coding = findCoding(request.headers['accept-encoding']);
    if (coding === undefined) return done();
    if (isStream(payload)) {
      markCompressed(reply, coding);
      return done(null, compressStream(payload, coding, reply));
    }
    if (compressing >= MOST_AT_ONCE) return done();
    compressing += 1;
    const context = request.context as RequestContext;
    const { failure } = context;
    compressWhole(payload, coding, (error, compressed) => {
      compressing -= 1;
      // The deadline ended meanwhile, and that was answered.
      if (context.failure !== failure) return;
      if (error !== null) return done();
      markCompressed(reply, coding);
      done(null, compressed);
    });
  });
}
