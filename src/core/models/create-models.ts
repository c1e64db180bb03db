import { type Clock, systemClock } from '../../base/time.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { ChatCompletion, ChatCompletionChunk, ModelInfo } from './completion.ts';
import { modelErrors } from './errors.ts';
import { OfflineModel } from './offline-model.ts';
import { OpenAiTarget, type OpenAiTargetOptions } from './openai-target.ts';
import type { CompletionRequest } from './schemas.ts';
import type { ModelCall, NamedRequest, Target } from './target.ts';
import { validateRequest } from './validate-request.ts';

/** How the rest of the server reaches models. */
export interface Models {
  /** The models that callers can ask for. */
  list(): readonly ModelInfo[];
  /**
   * The model of this name; without a name, the default one.
   * @throws AppError 404 `models.not_found`, with the param `model`.
   */
  get(name?: string): ModelInfo;
  /**
   * Asks for a whole answer. `model` undefined means the default one; the answer's `model` is the name asked for.
   *
   * @throws AppError `models.*`; the reason of the deadline's signal when that ended first.
   */
  complete(request: CompletionRequest, call: ModelCall): Promise<ChatCompletion>;
  /**
   * Asks for an answer in chunks. The request is checked at once, by throwing; nothing is sent before the first chunk is
   * asked for. Ends normally only after a real end. Usage comes in a chunk with empty `choices`, also when the request
   * did not ask for it. Tool calls are passed on as they come. Leaving the loop, or ending the deadline, ends the
   * provider's request.
   *
   * @throws AppError `models.*`, before or after chunks; the reason of the deadline's signal when that ended first.
   */
  stream(request: CompletionRequest, call: ModelCall): AsyncGenerator<ChatCompletionChunk>;
  /** Aborts what is under way and lets go of all connections. */
  close(): Promise<void>;
}

export interface ModelsOptions {
  /** The provider that answers; absent: the built-in offline model. */
  readonly target?: OpenAiTargetOptions;
  readonly clock?: Clock;
  readonly log: Logger;
}

interface Entry {
  readonly info: ModelInfo;
  readonly target: Target;
}

function createEntry({ target, clock = systemClock, log }: ModelsOptions): Entry {
  const created = Math.floor(clock.now().getTime() / 1000);
  return target === undefined
    ? {
        info: { id: 'offline', object: 'model', created, owned_by: 'evenkeel' },
        target: new OfflineModel(clock),
      }
    : {
        info: { id: target.model, object: 'model', created, owned_by: 'provider' },
        target: new OpenAiTarget(target, clock, log),
      };
}

/** The stream, with the time until its first chunk and the time of the rest noted. */
async function* timed(chunks: AsyncGenerator<ChatCompletionChunk>, call: ModelCall, clock: Clock) {
  let step = 'model';
  let sinceMs = clock.monotonicMs();
  const note = () => {
    const nowMs = clock.monotonicMs();
    call.timings?.add(step, nowMs - sinceMs);
    sinceMs = nowMs;
  };
  try {
    for await (const chunk of chunks) {
      if (step === 'model') {
        note();
        step = 'stream';
      }
      yield chunk;
    }
  } finally {
    note();
  }
}

/** The model gateway. Connects to nothing before it is asked. */
export function createModels(options: ModelsOptions): Models {
  const clock = options.clock ?? systemClock;
  const fallback = createEntry(options);
  const entries = new Map([[fallback.info.id, fallback]]);

  function getEntry(model = fallback.info.id): Entry {
    const entry = entries.get(model);
    if (entry === undefined) throw modelErrors.raise.not_found({ model }, { param: 'model' });
    return entry;
  }

  function resolve(request: CompletionRequest): { target: Target; named: NamedRequest } {
    const { target, info } = getEntry(request.model);
    validateRequest(request);
    return { target, named: { ...request, model: info.id } };
  }

  return {
    list: () => [...entries.values()].map((entry) => entry.info),
    get: (name) => getEntry(name).info,
    async complete(request, call) {
      const { target, named } = resolve(request);
      const startedMs = clock.monotonicMs();
      try {
        return await target.complete(named, call);
      } finally {
        call.timings?.add('model', clock.monotonicMs() - startedMs);
      }
    },
    stream(request, call) {
      const { target, named } = resolve(request);
      return timed(target.stream(named, call), call, clock);
    },
    async close() {
      for (const entry of entries.values()) await entry.target.close();
    },
  };
}
