import { type Claim, MAX_ANSWER_CHARS } from '../accounts/index.ts';
import type { ChatCompletion, ChatCompletionChunk, Models } from '../models/index.ts';
import { plainText } from './chunk-text.ts';

/** The two ways of asking a model. */
export type Asking = Pick<Models, 'complete' | 'stream'>;

/** The chunks of a stream, to be kept: pieces of text that follow one another are one, for a chunk is mostly its frame. */
class KeptChunks {
  readonly #chunks: ChatCompletionChunk[] = [];
  #text: string | undefined;
  #chars = 0;

  add(chunk: ChatCompletionChunk): void {
    // Too long to be kept: what there is shows that already.
    if (this.#chars > MAX_ANSWER_CHARS) return;
    const text = plainText(chunk);
    if (text !== undefined && this.#text !== undefined) {
      this.#chars += text.length;
      this.#text += text;
      return;
    }
    this.#chars += JSON.stringify(chunk).length;
    this.#closeText();
    this.#chunks.push(chunk);
    this.#text = text;
  }

  toJson(): string {
    this.#closeText();
    return JSON.stringify(this.#chunks);
  }

  /** Gives the last chunk all of the text that began with it. */
  #closeText(): void {
    const [choice] = this.#chunks.at(-1)?.choices ?? [];
    if (this.#text === undefined || choice === undefined) return;
    const whole = { ...choice, delta: { content: this.#text } };
    this.#chunks.push({ ...(this.#chunks.pop() as ChatCompletionChunk), choices: [whole] });
    this.#text = undefined;
  }
}

/** Has an answer kept once all of it has come; one that fails or is left is no answer. */
async function keep<Answer>(
  answering: Promise<Answer>,
  toJson: (answer: Answer) => string,
  claim: Claim,
): Promise<Answer> {
  const answer = await answering.catch(async (error: unknown) => {
    await claim.release();
    throw error;
  });
  await claim.remember(toJson(answer));
  return answer;
}

/** Gives what an earlier request was answered. */
function replay(earlier: string): Asking {
  return {
    complete: async () => JSON.parse(earlier) as ChatCompletion,
    async stream(_request, _call, take) {
      for (const chunk of JSON.parse(earlier) as ChatCompletionChunk[]) await take(chunk);
    },
  };
}

/**
 * Asks a model for a request with an Idempotency-Key: only where no earlier request has the answer. A whole answer is kept
 * before its end is passed on. An answer that failed or that nobody waited for is not, and the next request asks again; what
 * the model did until then is used up.
 */
export function answerOnce(models: Asking, claim: Claim): Asking {
  if (claim.earlier !== undefined) return replay(claim.earlier);
  return {
    complete: (request, call) => keep(models.complete(request, call), JSON.stringify, claim),
    stream(request, call, take) {
      const kept = new KeptChunks();
      const streaming = models.stream(request, call, (chunk) => {
        kept.add(chunk);
        return take(chunk);
      });
      return keep(streaming, () => kept.toJson(), claim);
    },
  };
}
