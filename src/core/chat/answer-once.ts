import { type Claim, maxAnswerChars } from '../accounts/index.ts';
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
    if (this.#chars > maxAnswerChars) return;
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

/** Chunks on their way, kept once the stream has come to its end; one that fails or is left is no answer. */
async function* keepChunks(
  start: () => AsyncGenerator<ChatCompletionChunk>,
  claim: Claim,
): AsyncGenerator<ChatCompletionChunk> {
  const kept = new KeptChunks();
  let isWhole = false;
  try {
    for await (const chunk of start()) {
      kept.add(chunk);
      yield chunk;
    }
    isWhole = true;
  } finally {
    await (isWhole ? claim.remember(kept.toJson()) : claim.release());
  }
}

async function keepCompletion(answer: Promise<ChatCompletion>, claim: Claim): Promise<ChatCompletion> {
  const completion = await answer.catch(async (error: unknown) => {
    await claim.release();
    throw error;
  });
  await claim.remember(JSON.stringify(completion));
  return completion;
}

/** Gives what an earlier request was answered. */
function replay(earlier: string): Asking {
  return {
    complete: async () => JSON.parse(earlier) as ChatCompletion,
    async *stream() {
      yield* JSON.parse(earlier) as ChatCompletionChunk[];
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
    complete: (request, call) => keepCompletion(models.complete(request, call), claim),
    // Called only when the first chunk is asked for, so that a request that is refused lets go of its key too.
    stream: (request, call) => keepChunks(() => models.stream(request, call), claim),
  };
}
