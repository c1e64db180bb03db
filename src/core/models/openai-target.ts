import { type Dispatcher, errors, Pool } from 'undici';

import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { Attempt, type TargetTimeouts } from './attempt.ts';
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
 */
const CONNECTIONS = 1_024;

/** The longest answer that is not streamed. The longest outputs of models are a few MB of JSON. */
const ANSWER_BYTES = 16 * 1024 * 1024;

/** The longest refusal that is read; what is longer is no error object. */
const REFUSAL_BYTES = 64 * 1024;

/** After its end, a stream's connection gets so long to become free for the next request; then it is closed. */
const TAIL_MS = 1_000;

type Body = Dispatcher.ResponseData['body'];

/** Lets the rest of a body go by, so that its connection can serve again. */
function passOver(body: Body): void {
  const timer = setTimeout(() => body.destroy(), TAIL_MS).unref();
  body.on('error', () => {});
  body.on('close', () => clearTimeout(timer));
  body.resume();
}

/** What was promised, or the signal's end: undici lets an aborted request wait on until it has a connection. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * The error to raise for one that reading or sending failed with. Before an answer began it is `unreachable`, except
 * that a server which speaks something else than HTTP was reached.
 */
function toError(error: unknown, attempt: Attempt, hasBegun: boolean): unknown {
  if (attempt.signal.aborted) return attempt.signal.reason;
  if (error instanceof AppError) return error;
  return hasBegun || error instanceof errors.HTTPParserError
    ? modelErrors.raise.bad_response({ cause: error })
    : modelErrors.raise.unreachable({ cause: error });
}

/**
 * Whether a stream failed after all of the answer had come, because the provider broke off or fell silent. That is no
 * error; something wrong that was sent, or the caller's own end, still is.
 */
function isAfterTheEnd(error: unknown, reader: ChunkReader, attempt: Attempt): boolean {
  if (!reader.isComplete) return false;
  return attempt.signal.aborted ? attempt.signal.reason instanceof AppError : !(error instanceof AppError);
}

function named<Answer extends { model: string }>(answer: Answer, model: string): Answer {
  answer.model = model;
  return answer;
}

/** Asks a provider that speaks OpenAI's chat completions. No redirect is followed and nothing is tried twice. */
export class OpenAiTarget implements Target {
  readonly #options: OpenAiTargetOptions;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Record<string, string>;

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
      // Attempt keeps the time.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async complete(request: NamedRequest, call: ModelCall): Promise<ChatCompletion> {
    const attempt = this.#begin(call);
    let response: Dispatcher.ResponseData | undefined;
    try {
      const { stream_options: _, ...rest } = request;
      response = await this.#send({ ...rest, model: this.#options.model, stream: false }, attempt);
      const completion = readCompletion(await this.#readText(response.body, attempt, ANSWER_BYTES));
      return named(completion, request.model);
    } catch (error) {
      attempt.isFailed = true;
      throw toError(error, attempt, response !== undefined);
    } finally {
      attempt.end();
    }
  }

  async *stream(request: NamedRequest, call: ModelCall): AsyncGenerator<ChatCompletionChunk> {
    const attempt = this.#begin(call);
    const reader = new ChunkReader(request.n ?? 1);
    let body: Body | undefined;
    try {
      const streamOptions = { ...request.stream_options, include_usage: true };
      const asked = { ...request, model: this.#options.model, stream: true, stream_options: streamOptions };
      ({ body } = await this.#send(asked, attempt));
      for await (const bytes of body.iterator({ destroyOnReturn: false })) {
        attempt.heard();
        reader.feed(bytes);
        for (const chunk of reader.chunks()) yield named(chunk, request.model);
        if (reader.isDone) return;
        attempt.waits();
      }
      reader.end();
      for (const chunk of reader.chunks()) yield named(chunk, request.model);
      if (!reader.isComplete) throw badResponse('the stream ended before the answer did');
    } catch (error) {
      if (isAfterTheEnd(error, reader, attempt)) return;
      attempt.isFailed = true;
      throw toError(error, attempt, body !== undefined);
    } finally {
      attempt.end();
      if (reader.isDone && body !== undefined) passOver(body);
      else if (body?.readableEnded !== true) attempt.abort();
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
  async #send(request: object, attempt: Attempt): Promise<Dispatcher.ResponseData> {
    const sent = this.#pool.request({
      method: 'POST',
      path: this.#path,
      headers: attempt.span === undefined ? this.#headers : { ...this.#headers, traceparent: attempt.span.traceparent },
      body: JSON.stringify(request),
      signal: attempt.signal,
    });
    const response = await orAborted(sent, attempt.signal);
    if (response.statusCode === 200) return response;
    const { statusCode: status, headers, body } = response;
    // The status says enough when its body is too long or breaks off.
    const text = await this.#readText(body, attempt, REFUSAL_BYTES).catch(() => '');
    throw toRefusalError({ status, headers, text }, this.#options.apiKey, this.#clock.now());
  }

  async #readText(body: Body, attempt: Attempt, limitBytes: number): Promise<string> {
    const parts: Uint8Array[] = [];
    let readBytes = 0;
    for await (const bytes of body as AsyncIterable<Uint8Array>) {
      attempt.heard();
      readBytes += bytes.byteLength;
      if (readBytes > limitBytes) throw badResponse(`an answer of more than ${limitBytes} bytes`);
      parts.push(bytes);
      attempt.waits();
    }
    return Buffer.concat(parts).toString('utf8');
  }
}
