import {
  AnswerUsage,
  type ChatCompletion,
  type ChatCompletionChunk,
  type CompletionRequest,
  estimatePrompt,
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
  readonly #usage = new AnswerUsage();
  #model: string | undefined;

  constructor(request: CompletionRequest) {
    this.#request = request;
  }

  addChunk(chunk: ChatCompletionChunk): void {
    this.#model = chunk.model;
    this.#usage.addChunk(chunk, chunk.choices.length);
  }

  /** All of the answer came. */
  end(): void {
    this.#usage.end();
  }

  addAnswer(answer: ChatCompletion): void {
    this.#model = answer.model;
    this.#usage.addAnswer(answer);
  }

  /** The provider was sent the request, and may bill the prompt though nobody waits for the answer. */
  addLeft(model: string): void {
    this.#model = model;
  }

  /** Undefined when nothing came, and none left. */
  get cost(): Cost | undefined {
    if (this.#model === undefined) return undefined;
    const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = this.#usage.with(this.#request);
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
      return await ask(meter, { ...call, onLeft: (model) => meter.addLeft(model) });
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
      measure(request, call, async (meter, metered) => {
        await models.stream(request, metered, (chunk) => {
          meter.addChunk(chunk);
          return take(chunk);
        });
        meter.end();
      }),
  };
}
