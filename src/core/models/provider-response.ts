import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

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
 * The answer to one request to a provider, handed over by undici as it comes. One reader at a time asks for the head, then
 * for piece after piece.
 *
 * In place of `undici.request`, whose stream, signal and promises cost as much as the rest of a short call; the bench
 * `completions` measures it.
 */
export class ProviderResponse implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined;
  #head: ResponseHead | undefined;
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #hasEnded = false;
  /** Set while the rest goes by unread. */
  #tail: NodeJS.Timeout | undefined;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /** Whether all of it has come, or nothing more will. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.#error !== undefined;
  }

  /** Waits for the beginning. @throws what the request failed with, or was aborted for. */
  async head(): Promise<ResponseHead> {
    while (this.#head === undefined) {
      if (this.#error !== undefined) throw this.#error;
      await this.#news();
    }
    return this.#head;
  }

  /** Waits for the next piece; undefined at the end. @throws what the request failed with, or was aborted for. */
  async read(): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#unreadBytes -= piece.byteLength;
        if (this.#unreadBytes === 0) this.#controller?.resume();
        return piece;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#hasEnded) return undefined;
      await this.#news();
    }
  }

  /** Ends the request, wherever it is: whoever waits is told the reason at once, and the provider sees its connection close. */
  abort(reason: Error): void {
    if (this.hasEnded) return;
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  /** Lets the rest go by unread, so that its connection can serve again; a provider that does not end is cut off. */
  passOver(): void {
    if (this.hasEnded) return;
    this.#tail = setTimeout(() => this.abort(new Error('the answer went on after its end')), TAIL_MS).unref();
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was aborted while it waited for a connection.
    if (this.#error !== undefined) controller.abort(this.#error);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Those below 200 announce another.
    if (status >= 200) this.#head = { status, headers };
    this.#tell();
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (this.#tail !== undefined || this.#error !== undefined) return;
    this.#pieces.push(piece);
    this.#unreadBytes += piece.byteLength;
    if (this.#unreadBytes > READ_AHEAD_BYTES) controller.pause();
    this.#tell();
  }

  onResponseEnd(): void {
    clearTimeout(this.#tail);
    this.#hasEnded = true;
    this.#tell();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#tail);
    this.#error ??= error;
    this.#tell();
  }

  #fail(reason: Error): void {
    this.#error = reason;
    this.#pieces = [];
    this.#tell();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #tell(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
