import { Cancelled, type Deadline } from '../../base/deadline.ts';
import { Pump, type Take } from '../../base/pump.ts';
import type { ChatCompletionChunk } from '../models/index.ts';
import { charsOf } from './chunk-text.ts';

/** One reader's part in a stream of chunks. */
export interface StreamReader {
  /** Has all chunks taken; as `Models.stream`. To be called once. @throws also Cancelled, when the reader has left. */
  read(take: Take<ChatCompletionChunk>): Promise<void>;
  /** To be called when the reader has come to the end or reads no more. A second call does nothing. */
  leave(): void;
}

interface Reader {
  /** How many chunks it was given. */
  given: number;
  pump?: Pump<ChatCompletionChunk>;
}

/** What is kept at most for readers to come, in characters: far more than the longest answers of today. */
const MAX_KEPT_CHARS = 16 * 1024 * 1024;

/**
 * A stream of chunks that several requests read, each from its beginning. A chunk is fetched when the first of them wants
 * it, so the provider waits for the fastest; and it is left when all have gone. One that has become too long to be kept is
 * joined no more, and what all have read of it is let go.
 */
export class SharedStream {
  readonly #deadline: Deadline;
  readonly #chunks: ChatCompletionChunk[] = [];
  /** Chunks that were let go, from the beginning. */
  #dropped = 0;
  #chars = 0;
  /** What the source waits for: that a reader wants more than there is. */
  #wanted: PromiseWithResolvers<void> | undefined;
  /** Set once nothing more comes. */
  #end: { readonly failure?: Error } | undefined;
  readonly #readers = new Set<Reader>();
  #isLeft = false;

  /** Begins at once. Ends the deadline, which is the source's, when nobody reads any more. */
  constructor(start: StreamReader['read'], deadline: Deadline) {
    this.#deadline = deadline;
    start((chunk) => this.#add(chunk)).then(
      () => this.#finish({}),
      (failure: Error) => this.#finish({ failure }),
    );
  }

  /** Whether it can be joined: somebody reads it, or is yet to, and its beginning is there. */
  get isOpen(): boolean {
    return !this.#isLeft && !this.#isTooLong;
  }

  get #isTooLong(): boolean {
    return this.#chars > MAX_KEPT_CHARS;
  }

  /** Adds a reader. */
  join(): StreamReader {
    const reader: Reader = { given: 0 };
    this.#readers.add(reader);
    return {
      read: (take) => this.#read(reader, take),
      leave: () => {
        // Else it would be the fastest: nothing slows it any more, and all others fall behind.
        reader.pump?.stop();
        if (this.#readers.delete(reader) && this.#readers.size === 0) this.#close();
      },
    };
  }

  async #read(reader: Reader, take: Take<ChatCompletionChunk>): Promise<void> {
    const pump = new Pump(() => this.#giveNext(reader), take);
    reader.pump = pump;
    if (this.#end) pump.end(this.#end.failure);
    else pump.run();
    await pump.done;
    if (!this.#readers.has(reader)) throw new Cancelled('the client left');
  }

  #giveNext(reader: Reader): ChatCompletionChunk | undefined {
    const chunk = this.#chunks[reader.given - this.#dropped];
    if (chunk === undefined) {
      this.#wanted?.resolve();
      this.#wanted = undefined;
      return undefined;
    }
    reader.given++;
    if (this.#isTooLong) this.#dropGiven();
    return chunk;
  }

  #dropGiven(): void {
    const givenToAll = Math.min(...Array.from(this.#readers, ({ given }) => given));
    this.#chunks.splice(0, givenToAll - this.#dropped);
    this.#dropped = givenToAll;
  }

  #add(chunk: ChatCompletionChunk): Promise<void> | undefined {
    // What came together with a chunk that was being taken: nobody will want more.
    if (this.#isLeft) throw new Cancelled('the client left');
    this.#chunks.push(chunk);
    this.#chars += charsOf(chunk);
    this.#wanted = Promise.withResolvers();
    for (const { pump } of this.#readers) pump?.run();
    return this.#wanted?.promise;
  }

  #finish(end: { readonly failure?: Error }): void {
    this.#end = end;
    for (const { pump } of this.#readers) pump?.end(end.failure);
  }

  #close(): void {
    this.#isLeft = true;
    this.#deadline.cancel(new Cancelled('the client left'));
    this.#wanted?.resolve();
  }
}
