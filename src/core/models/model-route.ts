import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../../base/deadline.ts';
import type { AppError } from '../../base/errors.ts';
import type { Take } from '../../base/pump.ts';
import type { Clock } from '../../base/time.ts';
import type { ChatCompletion, ChatCompletionChunk, Usage } from './completion.ts';
import { modelErrors } from './errors.ts';
import { type GuardedTarget, isTargetTrouble } from './guarded-target.ts';
import { ProviderRefused } from './provider-refusal.ts';
import { badResponse } from './read-answer.ts';
import type { CompletionRequest } from './schemas.ts';
import type { ModelCall, NamedRequest } from './target.ts';
import { Trial } from './trial.ts';

/** How the waits between tries come about; a test gives its own. */
export interface RetryWaits {
  /** From 0 to 1. */
  readonly random: () => number;
  /** @throws the deadline's reason when that ends first. */
  readonly wait: (waitMs: number, deadline: Deadline) => Promise<void>;
}

export const realWaits: RetryWaits = {
  random: Math.random,
  async wait(waitMs, deadline) {
    await deadline.race(sleep(waitMs, undefined, { ref: false }));
  },
};

/** A model: the targets that can serve it, in order of preference. */
export interface ModelRouteOptions {
  readonly targets: readonly GuardedTarget[];
  /** Serves callers who want it when none of the targets does. */
  readonly standIn?: GuardedTarget;
  readonly clock: Clock;
  readonly waits: RetryWaits;
}

/** Asks a target for an answer, all of it. */
type Ask<Answer> = (target: GuardedTarget, trial: Trial) => Promise<Answer>;

/** The wait before the first retry, in milliseconds, less up to half of it by chance; doubled for each further one. */
const BACKOFF_MS = 300;

/** As long is waited because the provider asks for it, at most: as long as for a first byte. */
const LONGEST_WAIT_MS = 60_000;

/** When somebody else can be asked instead, only so long is waited. */
const LONGEST_WAIT_WITH_ALTERNATIVE_MS = 2_000;

/** What a moment's patience does not change: one that is slow would be as slow again, one that refuses us goes on so. */
const NOT_TRIED_AGAIN = new Set(['models.timeout', 'models.refused', 'models.address_refused']);

function isTriedAgain(error: AppError): boolean {
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return !NOT_TRIED_AGAIN.has(error.code) && code !== 'UND_ERR_CONNECT_TIMEOUT';
}

function named(request: CompletionRequest, { options }: GuardedTarget): NamedRequest {
  return { ...request, model: options.model };
}

/**
 * Asks the targets of a model in order until one has begun to answer. A target that fails for a moment's reason is tried
 * again, within its budget of retries and after the pause that it asks for; then, or at once for other reasons of its own,
 * the next one is asked. What is wrong with the request is raised at once. Once the first piece of an answer is out,
 * nothing is tried again.
 */
export class ModelRoute {
  readonly #options: ModelRouteOptions;

  constructor(options: ModelRouteOptions) {
    this.#options = options;
  }

  get targets(): readonly GuardedTarget[] {
    return this.#options.targets;
  }

  /** See `Models.complete`. */
  async complete(request: CompletionRequest, call: ModelCall): Promise<ChatCompletion> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    try {
      return await this.#ask(call, async (target, trial) => {
        const answer = await target.options.target.complete(named(request, target), call);
        trial.succeed(answer.usage);
        return answer;
      });
    } finally {
      call.timings?.add('model', clock.monotonicMs() - startedMs);
    }
  }

  /** See `Models.stream`. */
  async stream(request: CompletionRequest, call: ModelCall, take: Take<ChatCompletionChunk>): Promise<void> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    let begunMs: number | undefined;
    try {
      await this.#ask(call, async (target, trial) => {
        let usage: Usage | null | undefined;
        await target.options.target.stream(named(request, target), call, (chunk) => {
          if (begunMs === undefined) {
            begunMs = clock.monotonicMs();
            call.timings?.add('model', begunMs - startedMs);
            trial.heard();
          }
          if (chunk.usage) usage = chunk.usage;
          return take(chunk);
        });
        if (!trial.hasBegun) throw badResponse('a stream without a chunk');
        trial.succeed(usage);
      });
    } finally {
      const nowMs = clock.monotonicMs();
      if (begunMs === undefined) call.timings?.add('model', nowMs - startedMs);
      else call.timings?.add('stream', nowMs - begunMs);
    }
  }

  async #ask<Answer>(call: ModelCall, ask: Ask<Answer>): Promise<Answer> {
    const { targets, standIn } = this.#options;
    let failure: unknown;
    const asked = call.fallBackToOffline && standIn ? [...targets, standIn] : targets;
    for (const target of asked) {
      const came = await this.#askOne(target, { call, ask });
      if ('answer' in came) return came.answer;
      failure = came.failure ?? failure;
    }
    throw failure ?? modelErrors.raise.unavailable();
  }

  /** Asks one target, again if that may help. Answers with what it failed with, if it was asked at all. */
  async #askOne<Answer>(
    target: GuardedTarget,
    { call, ask }: { call: ModelCall; ask: Ask<Answer> },
  ): Promise<{ answer: Answer } | { failure?: unknown }> {
    let failure: unknown;
    for (let retry = 0; ; retry++) {
      call.deadline.throwIfEnded();
      const trial = Trial.tryBegin(target);
      if (trial === undefined) return { failure };
      if (retry === 0) target.budget.noteCall();
      try {
        return { answer: await ask(target, trial) };
      } catch (error) {
        failure = error;
        const waitMs = this.#planRetry(target, { error, retry, trial, deadline: call.deadline });
        if (waitMs === undefined) {
          trial.fail(error);
          if (trial.hasBegun || !isTargetTrouble(error)) throw error;
          return { failure };
        }
        trial.failForNow(error as AppError);
        await this.#options.waits.wait(waitMs, call.deadline);
      }
    }
  }

  /** How long to wait before asking a target again; undefined when it is not to be. */
  #planRetry(
    target: GuardedTarget,
    { error, retry, trial, deadline }: { error: unknown; retry: number; trial: Trial; deadline: Deadline },
  ): number | undefined {
    if (trial.hasBegun) return undefined;
    if (retry >= target.options.retries || !isTargetTrouble(error) || !isTriedAgain(error)) return undefined;
    // A target that is being tried out gets one try.
    if (target.breaker.state !== 'closed') return undefined;
    const { targets, waits } = this.#options;
    const askedMs = error.cause instanceof ProviderRefused ? (error.cause.retryAfterMs ?? 0) : 0;
    const waitMs = askedMs + BACKOFF_MS * 2 ** retry * (1 - waits.random() / 2);
    const next = targets.slice(targets.indexOf(target) + 1);
    const hasAlternative = next.some(({ breaker }) => breaker.wouldLetThrough);
    const longestMs = hasAlternative ? LONGEST_WAIT_WITH_ALTERNATIVE_MS : LONGEST_WAIT_MS;
    if (askedMs > longestMs || waitMs >= deadline.remainingMs()) return undefined;
    return target.budget.tryTake() ? waitMs : undefined;
  }
}
