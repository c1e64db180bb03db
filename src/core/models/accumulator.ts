import type {
  AnsweredMessage,
  AnsweredToolCall,
  ChatCompletion,
  ChatCompletionChunk,
  ToolCallDelta,
  Usage,
} from './completion.ts';

/** What a choice, or a call of a tool, takes beside its words, in characters: many that say nothing take something too. */
const frameChars = 100;

/** One choice, as far as it has come. */
class ChoiceSoFar {
  /** How much it holds, in characters. */
  chars = frameChars;
  content: string | null = null;
  refusal: string | null = null;
  finishReason: string | null = null;
  /** By the provider's index; a Map, because an index may be any number. */
  readonly #toolCalls = new Map<number, AnsweredToolCall>();
  #lastIndex = -1;

  add({ delta, finish_reason: finishReason }: ChatCompletionChunk['choices'][number]): void {
    if (delta.content != null) this.content = (this.content ?? '') + this.#take(delta.content);
    if (delta.refusal != null) this.refusal = (this.refusal ?? '') + this.#take(delta.refusal);
    for (const toolCall of delta.tool_calls ?? []) this.#addToolCall(toolCall);
    if (finishReason == null) return;
    this.chars += finishReason.length - (this.finishReason?.length ?? 0);
    this.finishReason = finishReason;
  }

  #addToolCall(delta: ToolCallDelta): void {
    // Some providers leave the index out and send a call in one piece, with its id.
    const index = delta.index ?? (delta.id ? this.#lastIndex + 1 : Math.max(0, this.#lastIndex));
    this.#lastIndex = index;
    let call = this.#toolCalls.get(index);
    if (call === undefined) {
      call = { id: '', type: 'function' };
      this.chars += frameChars;
      this.#toolCalls.set(index, call);
    }
    this.#name(call, delta);
    if (delta.function) {
      const { name, arguments: input } = delta.function;
      call.function ??= { name: '', arguments: '' };
      call.function.name += this.#take(name);
      call.function.arguments += this.#take(input);
    }
    if (delta.custom) {
      const { name, input } = delta.custom;
      call.custom ??= { name: '', input: '' };
      call.custom.name += this.#take(name);
      call.custom.input += this.#take(input);
    }
  }

  /** Some providers say the id again with each piece. */
  #name(call: AnsweredToolCall, { id, type }: ToolCallDelta): void {
    const before = call.id.length + call.type.length;
    if (id) call.id = id;
    if (type) call.type = type;
    this.chars += call.id.length + call.type.length - before;
  }

  #take(piece: string | null | undefined): string {
    this.chars += piece?.length ?? 0;
    return piece ?? '';
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
  #chars = 0;

  /** Takes the next chunk in. */
  add(chunk: ChatCompletionChunk): void {
    this.#head ??= { id: chunk.id, created: chunk.created, model: chunk.model };
    if (chunk.usage) this.#usage = chunk.usage;
    for (const piece of chunk.choices) {
      const choice = this.#choiceAt(piece.index);
      this.#chars -= choice.chars;
      choice.add(piece);
      this.#chars += choice.chars;
    }
  }

  #choiceAt(index: number): ChoiceSoFar {
    let choice = this.#choices.get(index);
    if (choice === undefined) {
      choice = new ChoiceSoFar();
      this.#chars += choice.chars;
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

  /** How much it holds, in characters; a choice or a call counts as some, also when it says nothing. */
  get chars(): number {
    return this.#chars;
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
