import type {
  AnsweredMessage,
  AnsweredToolCall,
  ChatCompletion,
  ChatCompletionChunk,
  ToolCallDelta,
  Usage,
} from './completion.ts';

/** One choice, as far as it has come. */
class ChoiceSoFar {
  content: string | null = null;
  refusal: string | null = null;
  finishReason: string | null = null;
  /** By the provider's index; a Map, because an index may be any number. */
  readonly #toolCalls = new Map<number, AnsweredToolCall>();
  #lastIndex = -1;

  addToolCall(delta: ToolCallDelta): void {
    // Some providers leave the index out and send a call in one piece, with its id.
    const index = delta.index ?? (delta.id ? this.#lastIndex + 1 : Math.max(0, this.#lastIndex));
    this.#lastIndex = index;
    let call = this.#toolCalls.get(index);
    if (call === undefined) {
      call = { id: '', type: 'function' };
      this.#toolCalls.set(index, call);
    }
    if (delta.id) call.id = delta.id;
    if (delta.type) call.type = delta.type;
    if (delta.function) {
      call.function ??= { name: '', arguments: '' };
      call.function.name += delta.function.name ?? '';
      call.function.arguments += delta.function.arguments ?? '';
    }
    if (delta.custom) {
      call.custom ??= { name: '', input: '' };
      call.custom.name += delta.custom.name ?? '';
      call.custom.input += delta.custom.input ?? '';
    }
  }

  get message(): AnsweredMessage {
    const toolCalls = [...this.#toolCalls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call);
    return {
      role: 'assistant',
      content: this.content,
      refusal: this.refusal,
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    };
  }
}

/**
 * Folds the chunks of a stream into the answer they are pieces of: text, refusal, tool calls by index, finish reason and
 * usage, of each choice. Can be read at any time, also of a stream that broke.
 */
export class Accumulator {
  readonly #choices = new Map<number, ChoiceSoFar>();
  #head: Pick<ChatCompletionChunk, 'id' | 'created' | 'model'> | undefined;
  #usage: Usage | undefined;

  /** Takes the next chunk in. */
  add(chunk: ChatCompletionChunk): void {
    this.#head ??= { id: chunk.id, created: chunk.created, model: chunk.model };
    if (chunk.usage) this.#usage = chunk.usage;
    for (const { index, delta, finish_reason: finishReason } of chunk.choices) {
      const choice = this.#choiceAt(index);
      if (delta.content != null) choice.content = (choice.content ?? '') + delta.content;
      if (delta.refusal != null) choice.refusal = (choice.refusal ?? '') + delta.refusal;
      for (const toolCall of delta.tool_calls ?? []) choice.addToolCall(toolCall);
      if (finishReason != null) choice.finishReason = finishReason;
    }
  }

  #choiceAt(index: number): ChoiceSoFar {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new ChoiceSoFar();
      this.#choices.set(index, choice);
    }
    return choice;
  }

  /** The message of the first choice so far. */
  get message(): AnsweredMessage {
    return (this.#choices.get(0) ?? new ChoiceSoFar()).message;
  }

  /** Why the first choice ended; null while it has not. */
  get finishReason(): string | null {
    return this.#choices.get(0)?.finishReason ?? null;
  }

  /** What the provider counted; undefined until it said so. */
  get usage(): Usage | undefined {
    return this.#usage;
  }

  /** All of it in the shape of an answer that was not streamed. */
  toCompletion(): ChatCompletion {
    const choices = [...this.#choices.entries()].sort(([a], [b]) => a - b);
    return {
      ...(this.#head ?? { id: '', created: 0, model: '' }),
      object: 'chat.completion',
      choices: choices.map(([index, { message, finishReason }]) => ({
        index,
        message,
        logprobs: null,
        finish_reason: finishReason,
      })),
      ...(this.#usage !== undefined && { usage: this.#usage }),
    };
  }
}
