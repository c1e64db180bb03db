import { Cancelled, type Deadline } from '../../base/deadline.ts';
import type { ChatCompletionChunk } from '../models/index.ts';

/** One reader's part in a stream of chunks. */
export interface ChunkReader {
  readonly chunks: AsyncGenerator<ChatCompletionChunk>;
  /** To be called when the reader has come to the end or reads no more. A second call does nothing. */
  leave(): void;
}

/**
 * A stream of chunks that several requests read, each from its beginning. A chunk is fetched when the first of them wants
 * it, so the provider waits for the fastest; and it is left when all have gone.
 */
export class SharedStream {
  readonly #source: AsyncGenerator<ChatCompletionChunk>;
  readonly #deadline: Deadline;
  readonly #chunks: ChatCompletionChunk[] = [];
  /** Whether one more chunk came; kept once the stream has ended or failed. */
  #next: Promise<boolean> | undefined;
  #readers = 0;
  #isOpen = true;

  /** Ends the deadline, which is the source's, when nobody reads any more. */
  constructor(source: AsyncGenerator<ChatCompletionChunk>, deadline: Deadline) {
    this.#source = source;
    this.#deadline = deadline;
  }

  /** Whether somebody reads it, or is yet to. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Adds a reader. */
  join(): ChunkReader {
    let isReading = true;
    this.#readers++;
    return {
      chunks: this.#read(),
      leave: () => {
        if (isReading && --this.#readers === 0) this.#close();
        isReading = false;
      },
    };
  }

  async *#read(): AsyncGenerator<ChatCompletionChunk> {
    for (let at = 0; ; at++) {
      if (at === this.#chunks.length && !(await this.#fetch())) return;
      yield this.#chunks[at] as ChatCompletionChunk;
    }
  }

  /** One fetch for all who wait. */
  #fetch(): Promise<boolean> {
    this.#next ??= this.#source.next().then(({ done, value }) => {
      if (done) return false;
      this.#chunks.push(value);
      this.#next = undefined;
      return true;
    });
    return this.#next;
  }

  #close(): void {
    this.#isOpen = false;
    this.#deadline.cancel(new Cancelled('the client left'));
    // Has the source settle what it holds, also when nobody waits for its next chunk.
    this.#source.return(undefined).catch(() => undefined);
  }
}
