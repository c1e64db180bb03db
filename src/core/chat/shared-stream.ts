import { Cancelled, type Deadline } from '../../base/deadline.ts';
import type { ChatCompletionChunk } from '../models/index.ts';
import { charsOf } from './chunk-text.ts';

/** One reader's part in a stream of chunks. */
export interface ChunkReader {
  readonly chunks: AsyncGenerator<ChatCompletionChunk>;
  /** To be called when the reader has come to the end or reads no more. A second call does nothing. */
  leave(): void;
}

/** What is kept at most for readers to come, in characters: far more than the longest answers of today. */
const maxKeptChars = 16 * 1024 * 1024;

/**
 * A stream of chunks that several requests read, each from its beginning. A chunk is fetched when the first of them wants
 * it, so the provider waits for the fastest; and it is left when all have gone. One that has become too long to be kept is
 * joined no more, and what all have read of it is let go.
 */
export class SharedStream {
  readonly #source: AsyncGenerator<ChatCompletionChunk>;
  readonly #deadline: Deadline;
  readonly #chunks: ChatCompletionChunk[] = [];
  /** Chunks that were let go, from the beginning. */
  #dropped = 0;
  #chars = 0;
  /** Whether one more chunk came; kept once the stream has ended or failed. */
  #next: Promise<boolean> | undefined;
  /** Each with how many chunks it has read. */
  readonly #readers = new Set<{ read: number }>();
  #isLeft = false;

  /** Ends the deadline, which is the source's, when nobody reads any more. */
  constructor(source: AsyncGenerator<ChatCompletionChunk>, deadline: Deadline) {
    this.#source = source;
    this.#deadline = deadline;
  }

  /** Whether it can be joined: somebody reads it, or is yet to, and its beginning is there. */
  get isOpen(): boolean {
    return !this.#isLeft && !this.#isTooLong;
  }

  get #isTooLong(): boolean {
    return this.#chars > maxKeptChars;
  }

  /** Adds a reader. */
  join(): ChunkReader {
    const reader = { read: 0 };
    this.#readers.add(reader);
    return {
      chunks: this.#read(reader),
      leave: () => {
        if (this.#readers.delete(reader) && this.#readers.size === 0) this.#close();
      },
    };
  }

  async *#read(reader: { read: number }): AsyncGenerator<ChatCompletionChunk> {
    // Whoever has left reads no more, else it would be the fastest: nothing slows it any more, and all others fall behind.
    while (this.#readers.has(reader)) {
      const chunk = this.#chunks[reader.read - this.#dropped];
      if (chunk === undefined) {
        if (await this.#fetch()) continue;
        return;
      }
      yield chunk;
      reader.read++;
      if (this.#isTooLong) this.#dropRead();
    }
  }

  #dropRead(): void {
    const readByAll = Math.min(...Array.from(this.#readers, ({ read }) => read));
    this.#chunks.splice(0, readByAll - this.#dropped);
    this.#dropped = readByAll;
  }

  /** One fetch for all who wait. */
  #fetch(): Promise<boolean> {
    this.#next ??= this.#source.next().then(({ done, value }) => {
      if (done) return false;
      this.#chunks.push(value);
      this.#chars += charsOf(value);
      this.#next = undefined;
      return true;
    });
    return this.#next;
  }

  #close(): void {
    this.#isLeft = true;
    this.#deadline.cancel(new Cancelled('the client left'));
    // Has the source settle what it holds, also when nobody waits for its next chunk.
    this.#source.return(undefined).catch(() => undefined);
  }
}
