import type {
  AnsweredMessage,
  AnsweredToolCall,
  ChatCompletion,
  ChatCompletionChunk,
  ToolCallDelta,
  Usage,
} from './completion.ts';

/** What a choice, or a call of a tool, takes beside its words, in characters: many that say nothing take something too. */
const FRAME_CHARS = 100;

/** The most that a provider may want back with a call, in characters of its JSON: several times what Google does. */
const MAX_EXTRA_CHARS = 32_000;

/** What a piece adds to a name: some providers say all of it again with each piece. */
function newPart(name: string, piece: string | null | undefined): string {
  return piece == null || piece === name ? '' : piece;
}

/** One choice, as far as it has come. */
class ChoiceSoFar {
  /** How much it holds, in characters. */
  chars = FRAME_CHARS;
  content: string | null = null;
  refusal: string | null = null;
  thoughts = '';
  readonly #details: Record<string, unknown>[] = [];
  finishReason: string | null = null;
  /** By their index; a Map, because an index may be any number. */
  readonly #toolCalls = new Map<number, AnsweredToolCall>();

  add({ delta, finish_reason: finishReason }: ChatCompletionChunk['choices'][number]): void {
    if (delta.content != null) this.content = (this.content ?? '') + this.#take(delta.content);
    if (delta.refusal != null) this.refusal = (this.refusal ?? '') + this.#take(delta.refusal);
    if (typeof delta.reasoning_content === 'string') this.thoughts += this.#take(delta.reasoning_content);
    if (Array.isArray(delta.reasoning_details)) for (const piece of delta.reasoning_details) this.#addDetail(piece);
    for (const toolCall of delta.tool_calls ?? []) this.#addToolCall(toolCall);
    if (finishReason == null) return;
    this.chars += finishReason.length - (this.finishReason?.length ?? 0);
    this.finishReason = finishReason;
  }

  /** A thought, or a piece of the last one: its text goes on. */
  #addDetail(piece: Record<string, unknown> | null): void {
    if (typeof piece !== 'object' || piece === null) return;
    this.chars += JSON.stringify(piece).length;
    const last = this.#details.at(-1);
    const words = ['text', 'summary'].find((field) => typeof piece[field] === 'string');
    if (last === undefined || words === undefined || last.type !== piece.type || last.index !== piece.index) {
      this.#details.push({ ...piece });
    } else Object.assign(last, piece, { [words]: `${last[words] ?? ''}${piece[words]}` });
  }

  #addToolCall(delta: ToolCallDelta): void {
    const call = this.#callAt(delta.index ?? 0);
    this.#name(call, delta);
    this.#keepExtra(call, delta);
    if (delta.function) {
      const { name, arguments: input } = delta.function;
      call.function ??= { name: '', arguments: '' };
      call.function.name += this.#take(newPart(call.function.name, name));
      call.function.arguments += this.#take(input);
    }
    if (delta.custom) {
      const { name, input } = delta.custom;
      call.custom ??= { name: '', input: '' };
      call.custom.name += this.#take(newPart(call.custom.name, name));
      call.custom.input += this.#take(input);
    }
  }

  /** The call that a piece belongs to; a new one when it is the first. */
  #callAt(index: number): AnsweredToolCall {
    let call = this.#toolCalls.get(index);
    if (call === undefined) {
      call = { id: '', type: 'function' };
      this.chars += FRAME_CHARS;
      this.#toolCalls.set(index, call);
    }
    return call;
  }

  /** Some providers say the id again with each piece. */
  #name(call: AnsweredToolCall, { id, type }: ToolCallDelta): void {
    const before = call.id.length + call.type.length;
    if (id) call.id = id;
    if (type) call.type = type;
    this.chars += call.id.length + call.type.length - before;
  }

  /** What is too long to be what a provider wants back is left out. */
  #keepExtra(call: AnsweredToolCall, { extra_content: extra }: ToolCallDelta): void {
    if (extra == null) return;
    const text = JSON.stringify(extra);
    if (text.length > MAX_EXTRA_CHARS) return;
    this.chars += text.length - (JSON.stringify(call.extra_content)?.length ?? 0);
    call.extra_content = extra;
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
      ...(this.thoughts !== '' && { reasoning_content: this.thoughts }),
      ...(this.#details.length > 0 && { reasoning_details: this.#details }),
    };
  }
}

/**
 * Folds the chunks of a stream into the answer they are pieces of: text, refusal, thoughts, tool calls by index, finish reason and
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

  /** How much it holds, in characters; a choice or a call counts as some, also when it says nothing. */
  get chars(): number {
    return this.#chars;
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
