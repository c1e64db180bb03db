import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { Pump, type Take } from '../../base/pump.ts';

/**
 * What may have come and not be read yet, in bytes, before the provider is made to wait. Less would stop and start it all
 * the time; more is memory that each stream of a slow reader takes.
 */
const READ_AHEAD_BYTES = 64 * 1024;

/** After the end of what is wanted, a connection gets so long to become free for the next request; then it is closed. */
const TAIL_MS = 1_000;

/** How an answer begins. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

/**
 * The answer to one request to a provider, handed over by undici as it comes: ask for the head, then for the body.
 *
 * In place of `undici.request`, whose stream, signal and promises cost as much as the rest of a short call; the bench
 * `completions` measures it.
 */
export class ProviderResponse implements Dispatcher.DispatchHandler {
  readonly #head = Promise.withResolvers<ResponseHead>();
  #controller: Dispatcher.DispatchController | undefined;
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #reading: Pump<Buffer> | undefined;
  #hasEnded = false;
  /** Set while the rest goes by unread. */
  #tail: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #isTaken = false;

  constructor() {
    // Nobody waits for it where the request could not even be sent.
    this.#head.promise.catch(() => undefined);
  }

  /** What the request failed with, or was aborted for. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether the provider was sent the request, over a connection that was there, and has not refused it. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The beginning. @throws the failure. */
  get head(): Promise<ResponseHead> {
    return this.#head.promise;
  }

  /**
   * Has the body taken, piece by piece; a slow taker slows the provider. Resolves at the end, or when the rest is passed over.
   * @throws the failure, after what had come before it if it was not aborted; what `take` throws.
   */
  read(take: Take<Buffer>): Promise<void> {
    this.#reading = new Pump(() => this.#nextPiece(), take);
    if (this.#isOver) this.#reading.end(this.#failure);
    else this.#reading.run();
    return this.#reading.done;
  }

  /** Ends the request, wherever it is: whoever waits is told the reason, and the provider sees its connection close. */
  abort(reason: Error): void {
    if (this.#isOver) return;
    this.#pieces = [];
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  /** Lets the rest go by unread, so that its connection can serve again; a provider that does not end is cut off. */
  passOver(): void {
    this.#reading?.stop();
    if (this.#isOver) return;
    this.#tail = setTimeout(() => this.abort(new Error('the answer went on after its end')), TAIL_MS).unref();
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was aborted while it waited for a connection.
    if (this.#failure !== undefined) controller.abort(this.#failure);
    else this.#isTaken = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Those below 200 announce another.
    if (status < 200) return;
    this.#isTaken = status === 200;
    this.#head.resolve({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#tail !== undefined || this.#failure !== undefined) return;
    this.#pieces.push(piece);
    this.#unreadBytes += piece.byteLength;
    this.#reading?.run();
    if (this.#unreadBytes > READ_AHEAD_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    clearTimeout(this.#tail);
    this.#hasEnded = true;
    this.#reading?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#isOver) this.#fail(error);
  }

  /** Whether all of it has come, or nothing more will. */
  get #isOver(): boolean {
    return this.#hasEnded || this.#failure !== undefined;
  }

  #nextPiece(): Buffer | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#unreadBytes -= piece.byteLength;
    if (this.#unreadBytes === 0) this.#controller?.resume();
    return piece;
  }

  #fail(reason: Error): void {
    clearTimeout(this.#tail);
    this.#failure = reason;
    this.#head.reject(reason);
    this.#reading?.end(reason);
  }
}
