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

/** What one call costs, as far as it has come. */
class Meter {
  readonly #request: CompletionRequest;
  #model: string | undefined;
  #usage: ChatCompletion['usage'];
  #pieces = 0;
  #chars = 0;
  #wholeTokens = 0;
  /** Whether the provider's count, if it made one, is of all that it wrote. */
  #isCounted = false;

  constructor(request: CompletionRequest) {
    this.#request = request;
  }

  addChunk(chunk: ChatCompletionChunk): void {
    this.#model = chunk.model;
    if (chunk.usage) this.#usage = chunk.usage;
    this.#pieces += chunk.choices.length;
    const chars = countChars(chunk);
    this.#chars += chars;
    this.#isCounted = chunk.usage != null || (this.#isCounted && chars === 0);
  }

  /** All of the answer came: what the provider counted of it is its last word. */
  end(): void {
    this.#isCounted = true;
  }

  addAnswer({ model, usage, choices }: ChatCompletion): void {
    this.#model = model;
    this.#usage = usage;
    for (const { message } of choices) this.#wholeTokens += estimateTokens(message);
  }

  /** The provider was sent the request, and may bill the prompt though nobody waits for the answer. */
  addLeft(model: string): void {
    this.#model = model;
  }

  /** By the provider's own count where that is of all; else by an estimate. Undefined when nothing came, and none left. */
  get cost(): Cost | undefined {
    if (this.#model === undefined) return undefined;
    const promptTokens = this.#usage?.prompt_tokens ?? estimatePrompt(this.#request);
    const written = this.#wholeTokens + estimateStreamed({ pieces: this.#pieces, chars: this.#chars });
    const counted = this.#usage?.completion_tokens ?? written;
    const completionTokens = this.#isCounted ? counted : Math.max(counted, written);
    return { model: this.#model, promptTokens, completionTokens };
  }
}

/**
 * Models as one user may use them: tokens are reserved before a model is asked (429 `limits.*`), and what it cost is counted
 * when it has answered, or as far as it came. A call that brought nothing costs nothing, unless the caller left it after a
 * provider was sent it: then it costs the prompt.
 */
export function meterModels(models: Asking, spender: Spender, { tokenBudget, usage }: Metering): Asking {
  async function measure<Answer>(
    request: CompletionRequest,
    call: ModelCall,
    ask: (meter: Meter, call: ModelCall) => Promise<Answer>,
  ): Promise<Answer> {
    const reservation = await tokenBudget.reserve(spender, estimateCall(request), call.deadline);
    const meter = new Meter(request);
    try {
      const answer = await ask(meter, { ...call, onLeft: (model) => meter.addLeft(model) });
      meter.end();
      return answer;
    } finally {
      const { cost } = meter;
      reservation.settle(cost === undefined ? 0 : cost.promptTokens + cost.completionTokens);
      if (cost !== undefined) usage.record({ userId: spender.userId, ...cost });
    }
  }

  return {
    complete: (request, call) =>
      measure(request, call, async (meter, metered) => {
        const answer = await models.complete(request, metered);
        meter.addAnswer(answer);
        return answer;
      }),
    stream: (request, call, take) =>
      measure(request, call, (meter, metered) =>
        models.stream(request, metered, (chunk) => {
          meter.addChunk(chunk);
          return take(chunk);
        }),
      ),
  };
}
