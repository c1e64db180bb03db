import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type CompletionRequest,
  countChars,
  estimatePrompt,
  estimateStreamed,
  estimateTokens,
  type ModelCall,
} from '../models/index.ts';
import type { ModelUse, Spender, TokenBudget, UsageRecorder } from '../plans/index.ts';
import type { Asking } from './answer-once.ts';

/** What counts what models cost. */
export interface Metering {
  readonly tokenBudget: Pick<TokenBudget, 'reserve'>;
  readonly usage: UsageRecorder;
}

/** What an answer may come to when the request sets no bound; a longer one is counted all the same, after. */
const USUAL_ANSWER_TOKENS = 4_096;

function estimateCall(request: CompletionRequest): number {
  // Where both bounds are set, which of them a provider knows is not known here.
  const answer = Math.max(request.max_completion_tokens ?? 0, request.max_tokens ?? 0) || USUAL_ANSWER_TOKENS;
  return estimatePrompt(request) + answer * (request.n ?? 1);
}

/** What a call cost. */
type Cost = Omit<ModelUse, 'userId'>;

/** What one call costs, as far as it has come; told once, when it is over. Undefined when nothing came. */
class Meter {
  readonly #request: CompletionRequest;
  readonly #tell: (cost: Cost | undefined) => void;
  #model: string | undefined;
  #usage: ChatCompletion['usage'];
  #pieces = 0;
  #chars = 0;
  #wholeTokens = 0;
  #isOver = false;

  constructor(request: CompletionRequest, tell: (cost: Cost | undefined) => void) {
    this.#request = request;
    this.#tell = tell;
  }

  addChunk(chunk: ChatCompletionChunk): void {
    this.#model = chunk.model;
    if (chunk.usage) this.#usage = chunk.usage;
    this.#pieces += chunk.choices.length;
    this.#chars += countChars(chunk);
  }

  addAnswer({ model, usage, choices }: ChatCompletion): void {
    this.#model = model;
    this.#usage = usage;
    for (const { message } of choices) this.#wholeTokens += estimateTokens(message);
  }

  readonly finish = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tell(this.#cost());
  };

  /** By the provider's own count where it came to tell it; else by an estimate. */
  #cost(): Cost | undefined {
    if (this.#model === undefined) return undefined;
    const promptTokens = this.#usage?.prompt_tokens ?? estimatePrompt(this.#request);
    const written = this.#wholeTokens + estimateStreamed({ pieces: this.#pieces, chars: this.#chars });
    const completionTokens = this.#usage?.completion_tokens ?? written;
    return { model: this.#model, promptTokens, completionTokens };
  }
}

/**
 * Models as one user may use them: tokens are reserved before a model is asked (429 `limits.tokens_exceeded`), and what it
 * cost is counted when it has answered, or as far as it came. A call that brought nothing costs nothing. A stream is checked
 * when its first chunk is asked for, so that a refusal comes to whoever ends what the call was given.
 */
export function meterModels(models: Asking, spender: Spender, { tokenBudget, usage }: Metering): Asking {
  async function begin(request: CompletionRequest, { deadline }: ModelCall): Promise<Meter> {
    const reservation = await tokenBudget.reserve(spender, estimateCall(request), deadline);
    return new Meter(request, (cost) => {
      reservation.settle(cost === undefined ? 0 : cost.promptTokens + cost.completionTokens);
      if (cost !== undefined) usage.record({ userId: spender.userId, ...cost });
    });
  }

  return {
    async complete(request, call) {
      const meter = await begin(request, call);
      try {
        const answer = await models.complete(request, call);
        meter.addAnswer(answer);
        return answer;
      } finally {
        meter.finish();
      }
    },
    async *stream(request, call) {
      const chunks = models.stream(request, call);
      const meter = await begin(request, call);
      // A reader that leaves may never ask again; then the deadline is what ends.
      call.deadline.onEnded(meter.finish);
      try {
        for await (const chunk of chunks) {
          meter.addChunk(chunk);
          yield chunk;
        }
      } finally {
        call.deadline.offEnded(meter.finish);
        meter.finish();
      }
    },
  };
}
