import type { Take } from '../../base/pump.ts';
import { type Clock, systemClock } from '../../base/time.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { ChatCompletion, ChatCompletionChunk, ModelInfo } from './completion.ts';
import { modelErrors } from './errors.ts';
import { GuardedTarget, type ObservedCall, type TargetHealth } from './guarded-target.ts';
import { ModelRoute, type RetryWaits, realWaits } from './model-route.ts';
import { OfflineModel } from './offline-model.ts';
import { OpenAiTarget, type OpenAiTargetOptions } from './openai-target.ts';
import type { OfflineRole } from './reply-offline.ts';
import type { CompletionRequest } from './schemas.ts';
import type { ModelCall } from './target.ts';
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
   * Asks for a whole answer. `model` undefined means the default one; the answer's `model` is the name asked for, or
   * `offline` when that stood in. Which target answers, and what is tried again, is told at `ModelRoute`.
   *
   * @throws AppError `models.*`; the reason of the deadline's signal when that ended first.
   */
  complete(request: CompletionRequest, call: ModelCall): Promise<ChatCompletion>;
  /**
   * Asks for an answer and has its chunks taken as they come; a slow taker slows the provider. Resolves only after a real
   * end. Usage comes in a chunk with empty `choices`, also when the request did not ask for it. Tool calls are passed on as
   * they come, each piece with the index of its call, which some providers leave out or say wrong. Ending the deadline, or an
   * error of the taker's, ends the provider's request.
   *
   * @throws AppError `models.*`, before or after chunks; the reason of the deadline's signal when that ended first; what `take`
   *   throws.
   */
  stream(request: CompletionRequest, call: ModelCall, take: Take<ChatCompletionChunk>): Promise<void>;
  /** How each target of each model stands, the offline model left out. */
  health(): TargetHealth[];
  /** The names of the models of which every target is failing. */
  listFailing(): string[];
  /** Aborts what is under way and lets go of all connections. */
  close(): Promise<void>;
}

/** A target, and how often one request is tried again there. */
export interface TargetDefinition extends OpenAiTargetOptions {
  readonly retries: number;
}

/** A name that callers ask for, and the targets that serve it, in order of preference. */
export interface ModelDefinition {
  readonly name: string;
  readonly targets: readonly TargetDefinition[];
}

/** Which models there are. */
export interface ModelsOptions {
  /** The first one is the default. None: the built-in offline model is. */
  readonly models: readonly ModelDefinition[];
  readonly clock?: Clock;
  readonly log: Logger;
  /** Told of each request to a target when it has ended, for metrics. */
  readonly onCall?: (call: ObservedCall) => void;
  readonly waits?: RetryWaits;
}

interface Entry {
  readonly info: ModelInfo;
  readonly route: ModelRoute;
}

/** The name of the built-in model. */
export const OFFLINE = 'offline';

/** How long a target of one that has others, and of one that has none, is left alone at most; in milliseconds. */
const MAX_OPEN_MS = { withOthers: 30_000, alone: 1_000 };

/** Makes the entries of all models, by name; the default comes first, the offline one last. */
function createEntries(options: ModelsOptions): Map<string, Entry> {
  const { models, clock = systemClock, log, onCall, waits = realWaits } = options;
  const created = Math.floor(clock.now().getTime() / 1000);
  const watch = { clock, log, ...(onCall && { onCall }) };
  const offline = (role: OfflineRole) =>
    new GuardedTarget({
      ...{ ...watch, model: OFFLINE, name: OFFLINE, retries: 0, maxOpenMs: 0 },
      target: new OfflineModel(clock, role),
    });
  const standIn = offline('stand-in');
  const entries = new Map<string, Entry>();
  for (const { name, targets } of models) {
    const maxOpenMs = targets.length > 1 ? MAX_OPEN_MS.withOthers : MAX_OPEN_MS.alone;
    const guarded = targets.map((target) => {
      const { name: targetName, retries } = target;
      const guard = { ...watch, model: name, name: targetName, retries, maxOpenMs };
      return new GuardedTarget({ ...guard, target: new OpenAiTarget(target, clock) });
    });
    const route = new ModelRoute({ targets: guarded, standIn, clock, waits });
    entries.set(name, { info: { id: name, object: 'model', created, owned_by: 'provider' }, route });
  }
  const asked = offline(models.length > 0 ? 'asked' : 'only');
  const route = new ModelRoute({ targets: [asked], clock, waits });
  return entries.set(OFFLINE, { info: { id: OFFLINE, object: 'model', created, owned_by: 'evenkeel' }, route });
}

/** The model gateway. Connects to nothing before it is asked. */
export function createModels(options: ModelsOptions): Models {
  const entries = createEntries(options);
  const fallback = options.models[0]?.name ?? OFFLINE;

  function getEntry(model = fallback): Entry {
    const entry = entries.get(model);
    if (entry === undefined) throw modelErrors.raise.not_found({ model }, { param: 'model' });
    return entry;
  }

  function resolve(request: CompletionRequest): ModelRoute {
    const { route } = getEntry(request.model);
    validateRequest(request);
    return route;
  }

  return {
    list: () => [...entries.values()].map((entry) => entry.info),
    get: (name) => getEntry(name).info,
    complete: async (request, call) => await resolve(request).complete(request, call),
    stream: async (request, call, take) => await resolve(request).stream(request, call, take),
    health: () =>
      [...entries.values()]
        .flatMap(({ route }) => route.targets.map(({ health }) => health))
        .filter(({ model }) => model !== OFFLINE),
    listFailing: () =>
      [...entries].filter(([, { route }]) => route.targets.every(({ isFailing }) => isFailing)).map(([name]) => name),
    async close() {
      for (const { route } of entries.values())
        for (const { options: guarded } of route.targets) await guarded.target.close();
    },
  };
}
