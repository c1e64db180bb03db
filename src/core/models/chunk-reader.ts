import { createParser } from 'eventsource-parser';

import type { ChatCompletionChunk } from './completion.ts';
import { badResponse, readChunk } from './read-answer.ts';
import { ToolCallNumbers } from './tool-call-numbers.ts';

/**
 * The longest event of a stream, in characters: far above any token, and the most memory that a provider which never
 * ends a line can take from us per stream.
 */
const EVENT_CHARACTERS = 1024 * 1024;

/**
 * Turns the bytes of a provider's event stream, however they are cut, into chunks. Feed it bytes, then take the
 * `chunks()`.
 */
export class ChunkReader {
  readonly #expectedChoices: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #finishedChoices = new Set<number>();
  /** Of each choice that calls tools. */
  readonly #toolCalls = new Map<number, ToolCallNumbers>();
  #events: string[] = [];
  #isTooLong = false;
  #isDone = false;
  readonly #parser = createParser({
    maxBufferSize: EVENT_CHARACTERS,
    onEvent: (event) => this.#events.push(event.data),
    onError: (error) => {
      this.#isTooLong ||= error.type === 'max-buffer-size-exceeded';
    },
  });

  constructor(expectedChoices: number) {
    this.#expectedChoices = expectedChoices;
  }

  /** The provider said that nothing more comes. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The answer is whole: `[DONE]` came, or each choice has said why it ended. */
  get isComplete(): boolean {
    return this.#isDone || this.#finishedChoices.size >= this.#expectedChoices;
  }

  /** Takes bytes in. What they complete comes out of `chunks()`, also the error for what cannot be read. */
  feed(bytes: Uint8Array): void {
    try {
      this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    } catch {
      this.#events.push('not UTF-8');
    }
  }

  /** There are no more bytes. Ends a last event whose closing empty line was left out. */
  end(): void {
    if (!this.#isTooLong) this.#parser.feed('\n\n');
  }

  /**
   * The chunks that are there, until more bytes are needed or the stream is done.
   *
   * @throws AppError `models.bad_response` or `models.provider_error`, in its place in the stream.
   */
  *chunks(): Generator<ChatCompletionChunk> {
    const events = this.#events;
    this.#events = [];
    for (const data of events) {
      if (data.startsWith('[DONE]')) {
        this.#isDone = true;
        return;
      }
      const chunk = readChunk(data);
      // It says nothing: the answer has not begun with it, so that another target can still be asked.
      if (chunk.choices.length === 0 && !chunk.usage) continue;
      for (const choice of chunk.choices) this.#note(choice);
      yield chunk;
    }
    if (this.#isTooLong) throw badResponse('an event without an end');
  }

  /** Takes down whether a choice has ended, and numbers the tool calls in it. */
  #note({ index, finish_reason: finishReason, delta }: ChatCompletionChunk['choices'][number]): void {
    // Others than were asked for do not tell whether those are whole.
    if (index < 0 || index >= this.#expectedChoices) return;
    if (finishReason) this.#finishedChoices.add(index);
    if (!delta.tool_calls) return;
    const numbers = this.#toolCalls.get(index) ?? new ToolCallNumbers();
    this.#toolCalls.set(index, numbers);
    for (const piece of delta.tool_calls) numbers.number(piece);
  }
}
