import { type Deadline, DeadlineExceeded } from '../../base/deadline.ts';
import type { Span } from '../../base/span.ts';
import { modelErrors } from './errors.ts';
import { ProviderResponse } from './provider-response.ts';

/** How long a target may take, each in milliseconds. */
export interface TargetTimeouts {
  /** To connect, TLS included. */
  readonly connectTimeoutMs: number;
  /** From the start until the first byte of the answer's body, connecting included. */
  readonly firstByteTimeoutMs: number;
  /** Between two pieces of the answer, while we wait for one. */
  readonly chunkTimeoutMs: number;
  /** From the start until the end. */
  readonly totalTimeoutMs: number;
}

/** The total was passed while the reader was busy with what had come: the time was the reader's, not the provider's. */
export class ReaderTooSlow extends DeadlineExceeded {}

/**
 * One HTTP request to a provider, and how long it may take. When its time is up the response is aborted with the error to
 * raise: `models.timeout` when a bound of the target was passed, `ReaderTooSlow`, or the reason of the caller's deadline.
 *
 * Whoever makes one must `end()` it.
 */
export class Attempt {
  /** Its step of a trace, ended with it. */
  readonly span: Span | undefined;
  /** Whether it came to nothing; for the trace. */
  isFailed = false;
  /** Whether an answer has begun. */
  isAnswered = false;
  readonly response = new ProviderResponse();
  #reason: Error | undefined;
  readonly #deadline: Deadline;
  readonly #total: Deadline;
  readonly #chunkTimeoutMs: number;
  #timer: NodeJS.Timeout;
  #waitsForProvider = true;
  #begun = false;

  constructor(deadline: Deadline, timeouts: TargetTimeouts, span?: Span) {
    deadline.throwIfEnded();
    this.span = span;
    this.#deadline = deadline;
    this.#chunkTimeoutMs = timeouts.chunkTimeoutMs;
    this.#total = deadline.shortenedTo(timeouts.totalTimeoutMs);
    this.#total.onEnded(this.#onTotalEnded);
    this.#timer = setTimeout(this.#onSilence, timeouts.firstByteTimeoutMs);
  }

  /** Why it was aborted; undefined while it was not. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** Whether the caller's deadline ended it while the provider worked on it. */
  get isLeft(): boolean {
    return this.response.isTaken && this.#reason !== undefined && this.#reason === this.#deadline.reason;
  }

  /** Bytes of the answer came. Until `waits()`, the provider is not waited for: the reader is busy with them. */
  heard(): void {
    this.#waitsForProvider = false;
    if (this.#begun) return;
    this.#begun = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, this.#chunkTimeoutMs);
  }

  /** The next bytes are waited for from now on. */
  waits(): void {
    this.#waitsForProvider = true;
    this.#timer.refresh();
  }

  /** Lets go of the timers; nothing is aborted. */
  end(): void {
    clearTimeout(this.#timer);
    this.#total.end();
    this.span?.end({ isFailed: this.isFailed });
  }

  readonly #onTotalEnded = (): void => {
    const { reason } = this.#deadline;
    if (reason !== undefined) this.#abort(reason);
    else if (!this.#waitsForProvider) this.#abort(new ReaderTooSlow());
    else this.#abort(modelErrors.raise.timeout({ missing: 'the end of its answer' }));
  };

  readonly #onSilence = (): void => {
    if (!this.#waitsForProvider) return;
    const missing = this.#begun ? 'the next part of its answer' : 'the beginning of its answer';
    this.#abort(modelErrors.raise.timeout({ missing }));
  };

  #abort(reason: Error): void {
    this.#reason ??= reason;
    this.response.abort(reason);
  }
}
