import type { ChatCompletion, ChatCompletionChunk, Usage } from './completion.ts';
import { countChars, estimatePrompt, estimateStreamed, estimateTokens } from './estimate-tokens.ts';
import type { CompletionRequest } from './schemas.ts';

/** xAI and Google leave thoughts, which they bill, out of `completion_tokens`, but not out of the sum. */
function countWritten(usage: Usage | undefined): number {
  return usage === undefined ? 0 : Math.max(usage.completion_tokens, usage.total_tokens - usage.prompt_tokens);
}

/**
 * What an answer costs, as far as it has come: by the provider's own count where that is of all that it wrote, else by an
 * estimate, for providers that do not count, and for answers that were cut off before the count, or after one that was not the last.
 */
export class AnswerUsage {
  #counted: Usage | undefined;
  #pieces = 0;
  #chars = 0;
  #wholeTokens = 0;
  /** Whether the provider's count, if it made one, is of all that it wrote. */
  #isCounted = false;

  /** Takes the next chunk of a stream in, with how many pieces of an answer it counts for. */
  addChunk(chunk: ChatCompletionChunk, pieces: number): void {
    if (chunk.usage) this.#counted = chunk.usage;
    const chars = countChars(chunk);
    this.#pieces += pieces;
    this.#chars += chars;
    this.#isCounted = chunk.usage != null || (this.#isCounted && chars === 0);
  }

  /** Takes in an answer that came whole. */
  addAnswer({ usage, choices }: ChatCompletion): void {
    if (usage) this.#counted = usage;
    for (const { message } of choices) this.#wholeTokens += estimateTokens(message);
    this.end();
  }

  /** All of the answer came: what the provider counted of it is its last word. */
  end(): void {
    this.#isCounted = true;
  }

  /** About how many tokens were written. */
  get writtenTokens(): number {
    return this.#wholeTokens + estimateStreamed({ pieces: this.#pieces, chars: this.#chars });
  }

  /** Whether nothing was written or counted. */
  get isNothing(): boolean {
    return this.#counted === undefined && this.writtenTokens === 0;
  }

  /** The tokens of the answer and of the request that it is to. */
  with(request: CompletionRequest): Pick<Usage, 'prompt_tokens' | 'completion_tokens'> {
    const { prompt_tokens = estimatePrompt(request) } = this.#counted ?? {};
    const counted = countWritten(this.#counted);
    const isLastWord = this.#counted !== undefined && this.#isCounted;
    return { prompt_tokens, completion_tokens: isLastWord ? counted : Math.max(counted, this.writtenTokens) };
  }
}
