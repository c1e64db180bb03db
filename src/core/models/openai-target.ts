import { errors, Pool } from 'undici';

import { AppError } from '../../base/errors.ts';
import type { Take } from '../../base/pump.ts';
import type { Clock } from '../../base/time.ts';
import { Attempt, ReaderTooSlow, type TargetTimeouts } from './attempt.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { ChatCompletion, ChatCompletionChunk } from './completion.ts';
import { createConnector } from './create-connector.ts';
import { modelErrors } from './errors.ts';
import { toRefusalError } from './provider-refusal.ts';
import { badResponse, readCompletion } from './read-answer.ts';
import type { ModelCall, NamedRequest, Target } from './target.ts';

/** A provider's OpenAI-compatible endpoint, and the model asked for there. */
export interface OpenAiTargetOptions extends TargetTimeouts {
  /** What the operator calls it: in logs, metrics and health. */
  readonly name: string;
  /** Up to and without `/chat/completions`: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Sent as Bearer; absent for servers that need none. */
  readonly apiKey?: string;
  /** The provider's name for the model. */
  readonly model: string;
  /** Sent with each request, beside our own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may be on this machine or in the operator's own network. */
  readonly allowPrivate: boolean;
}

/**
 * Connections to one provider. Each stream holds one; more wait for a free one inside their first-byte time-out. Fewer
 * would make the thousand streams that one process is meant for wait; many more meet the usual limit of descriptors.
 * That one user cannot hold them all, plans see to (`model_calls_at_once`).
 */
const CONNECTIONS = 1_024;

/** The longest answer that is not streamed. The longest outputs of models are a few MB of JSON. */
const ANSWER_BYTES = 16 * 1024 * 1024;

/** The longest refusal that is read; what is longer is no error object. */
const REFUSAL_BYTES = 64 * 1024;

/** Why a request is aborted whose answer nobody reads to its end: nobody sees it. */
const unread = new Error('the rest of the answer is not wanted');

/**
 * Notes that a call came to nothing. Answers the error to raise for what it failed with: where the request failed before an answer
 * began that is `unreachable`, except that a server which speaks something else than HTTP was reached.
 */
function fail(error: unknown, attempt: Attempt, tellLeft: () => void): unknown {
  attempt.isFailed = true;
  if (attempt.isLeft) tellLeft();
  if (attempt.reason !== undefined) return attempt.reason;
  if (error instanceof AppError || error !== attempt.response.failure) return error;
  return attempt.isAnswered || error instanceof errors.HTTPParserError
    ? modelErrors.raise.bad_response({ cause: error })
    : modelErrors.raise.unreachable({ cause: error });
}

/**
 * Whether a stream failed after all of the answer had come, because the provider broke off or fell silent, or its time was
 * up before the rest was read. That is no error; something wrong that was sent, or the caller's own end, still is.
 */
function isAfterTheEnd(error: unknown, reader: ChunkReader, attempt: Attempt): boolean {
  if (!reader.isComplete) return false;
  const { reason } = attempt;
  if (reason === undefined) return error === attempt.response.failure;
  return reason instanceof AppError || reason instanceof ReaderTooSlow;
}

/** Some, such as Mistral, know no `stream_options`, and tell the usage all the same. */
function refusesStreamOptions(error: unknown): boolean {
  return error instanceof AppError && error.status === 400 && error.message.includes('stream_options');
}

function named<Answer extends { model: string }>(answer: Answer, model: string): Answer {
  answer.model = model;
  return answer;
}

/** The text of an answer as it was sent. @throws AppError `models.bad_response` when it is not UTF-8. */
function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badResponse('not UTF-8');
  }
}

/** Asks a provider that speaks OpenAI's chat completions. No redirect is followed and nothing is tried twice. */
export class OpenAiTarget implements Target {
  readonly #options: OpenAiTargetOptions;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Record<string, string>;
  /** Whether `stream_options` are sent. */
  #asksForUsage = true;

  constructor(options: OpenAiTargetOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    const url = new URL(options.baseUrl);
    this.#path = `${url.pathname.replace(/\/+$/, '')}/chat/completions${url.search}`;
    this.#headers = {
      ...options.headers,
      'content-type': 'application/json',
      // Unpacking tokens costs more than their bytes, and what a compressor holds back comes late.
      'accept-encoding': 'identity',
      ...(options.apiKey && { authorization: `Bearer ${options.apiKey}` }),
    };
    this.#pool = new Pool(url.origin, {
      connections: CONNECTIONS,
      connect: createConnector(options),
      // Or calls over TLS would line up behind the first connection, each for a connect time-out, to learn its protocol.
      allowH2: false,
      // Attempt keeps the time.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async complete(request: NamedRequest, call: ModelCall): Promise<ChatCompletion> {
    const attempt = this.#begin(call);
    try {
      const { stream_options: _, ...rest } = request;
      await this.#send({ ...rest, model: this.#options.model, stream: false }, attempt);
      const bytes = await this.#readBytes(attempt, ANSWER_BYTES);
      const completion = readCompletion(decode(bytes), this.#clock.now());
      return named(completion, request.model);
    } catch (error) {
      throw fail(error, attempt, () => call.onLeft?.(request.model));
    } finally {
      attempt.end();
      attempt.response.abort(unread);
    }
  }

  async stream(request: NamedRequest, call: ModelCall, take: Take<ChatCompletionChunk>): Promise<void> {
    const { stream_options: wanted, ...plain } = request;
    const counted = { ...plain, stream_options: { ...wanted, include_usage: true } };
    try {
      return await this.#stream(this.#asksForUsage ? counted : plain, call, take);
    } catch (error) {
      if (!this.#asksForUsage || !refusesStreamOptions(error)) throw error;
    }
    await this.#stream(plain, call, take);
    // Only now it is known that nothing else was the matter; unless it was another option of the caller's.
    if (Object.keys(wanted ?? {}).every((option) => option === 'include_usage')) this.#asksForUsage = false;
  }

  async #stream(request: NamedRequest, call: ModelCall, take: Take<ChatCompletionChunk>): Promise<void> {
    const attempt = this.#begin(call);
    const reader = new ChunkReader(request.n ?? 1);
    const { response } = attempt;
    const giveAll = async () => {
      for (const chunk of reader.chunks()) {
        // Many come together, and whoever takes one may be gone before the next.
        call.deadline.throwIfEnded();
        await take(named(chunk, request.model));
      }
    };
    try {
      await this.#send({ ...request, model: this.#options.model, stream: true }, attempt);
      await response.read(async (bytes) => {
        attempt.heard();
        reader.feed(bytes);
        await giveAll();
        if (reader.isDone) response.passOver();
        else attempt.waits();
      });
      if (reader.isDone) return;
      reader.end();
      await giveAll();
      if (!reader.isComplete) throw badResponse('the stream ended before the answer did');
    } catch (error) {
      if (isAfterTheEnd(error, reader, attempt)) return;
      throw fail(error, attempt, () => call.onLeft?.(request.model));
    } finally {
      attempt.end();
      if (!reader.isDone) response.abort(unread);
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #begin({ deadline, trace }: ModelCall): Attempt {
    const span = trace?.start('model', {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': this.#options.model,
    });
    return new Attempt(deadline, this.#options, span);
  }

  /** Sends the request; answers when the headers of a 200 are there, and raises the error for any other status. */
  async #send(request: object, attempt: Attempt): Promise<void> {
    const { span, response } = attempt;
    const headers = span === undefined ? this.#headers : { ...this.#headers, traceparent: span.traceparent };
    this.#pool.dispatch({ method: 'POST', path: this.#path, headers, body: JSON.stringify(request) }, response);
    const head = await response.head;
    attempt.isAnswered = head.status === 200;
    if (attempt.isAnswered) return;
    // The status says enough when its body is too long or breaks off.
    const bytes = await this.#readBytes(attempt, REFUSAL_BYTES).catch(() => Buffer.alloc(0));
    // A refusal in another encoding is still one.
    const text = bytes.toString('utf8');
    throw toRefusalError({ ...head, text }, this.#options.apiKey, this.#clock.now());
  }

  async #readBytes(attempt: Attempt, limitBytes: number): Promise<Buffer> {
    const { response } = attempt;
    const parts: Uint8Array[] = [];
    let readBytes = 0;
    await response.read((bytes) => {
      attempt.heard();
      readBytes += bytes.byteLength;
      if (readBytes > limitBytes) throw badResponse(`an answer of more than ${limitBytes} bytes`);
      parts.push(bytes);
      attempt.waits();
    });
    return Buffer.concat(parts);
  }
}
