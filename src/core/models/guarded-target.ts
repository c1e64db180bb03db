import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type BreakerState, CircuitBreaker, RetryBudget } from '../../platform/resilience/index.ts';
import type { Target } from './target.ts';

/** What became of one request to a target; for metrics. All names are the operator's, none is the caller's. */
export interface ObservedCall {
  readonly model: string;
  readonly target: string;
  /** `ok`; the code of the error; `cancelled` when the caller left or its time was up. */
  readonly outcome: string;
  /** Until a stream's first chunk. */
  readonly firstByteMs?: number;
  /** Until its end. */
  readonly durationMs: number;
  /** As the provider counted. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
}

/** How a target stands, as `/health` shows it. */
export interface TargetHealth {
  readonly model: string;
  readonly target: string;
  readonly state: BreakerState;
  /** Of the last request that failed. */
  readonly last_error_code?: string;
}

/** What a target is, and what watches it. */
export interface GuardedTargetOptions {
  /** The model that it serves. */
  readonly model: string;
  readonly name: string;
  readonly target: Target;
  /** How often one request is tried again here, at most. */
  readonly retries: number;
  /** See `CircuitBreakerOptions`. */
  readonly maxOpenMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onCall?: (call: ObservedCall) => void;
}

function isModelError(error: unknown): error is AppError {
  return error instanceof AppError && error.code.startsWith('models.');
}

/** Whether an error tells what is wrong with the request: an answer, if not the one that was hoped for. */
export function isRefusalOfRequest(error: unknown): error is AppError {
  return isModelError(error) && error.status === 400;
}

/** Whether an error is the target's own, so that another one may do better: not the request's, not the caller's. */
export function isTargetTrouble(error: unknown): error is AppError {
  return isModelError(error) && error.status !== 400;
}

/** For how long a failure says something of a target that nobody has asked since, in milliseconds. */
const TELLING_MS = 60_000;

/** A target with its breaker and its budget of retries. */
export class GuardedTarget {
  readonly options: GuardedTargetOptions;
  readonly budget: RetryBudget;
  readonly breaker: CircuitBreaker;
  #lastErrorCode: string | undefined;
  #failedAtMs = 0;
  #isToldOpen = false;

  constructor(options: GuardedTargetOptions) {
    this.options = options;
    const { clock, maxOpenMs } = options;
    this.budget = new RetryBudget(clock);
    this.breaker = new CircuitBreaker({ clock, maxOpenMs, observe: (state) => this.#tell(state) });
  }

  get health(): TargetHealth {
    const { model, name: target } = this.options;
    const error = this.#lastErrorCode;
    return { model, target, state: this.breaker.state, ...(error !== undefined && { last_error_code: error }) };
  }

  /** Whether it is left alone because it fails, and did so within the last minute: whether it still does, only a call can tell. */
  get isFailing(): boolean {
    return this.breaker.state !== 'closed' && this.options.clock.monotonicMs() - this.#failedAtMs < TELLING_MS;
  }

  /** Remembers an error for `health` and `isFailing`; what only the operator can mend is logged. */
  noteError(error: AppError): void {
    this.#lastErrorCode = error.code;
    this.#failedAtMs = this.options.clock.monotonicMs();
    const { model, name: target, log } = this.options;
    if (error.code === 'models.refused' || error.code === 'models.address_refused')
      log.error({ err: error, model, target }, 'a model target refuses this server or is refused by it');
  }

  /** Once each: it is tried every second or every few, and opened again by callers who leave meanwhile, too. */
  #tell(state: BreakerState): void {
    const isOpen = state === 'open';
    if (state === 'half-open' || isOpen === this.#isToldOpen) return;
    this.#isToldOpen = isOpen;
    const { model, name: target, log } = this.options;
    const code = this.#lastErrorCode;
    if (isOpen) log.warn({ model, target, code }, 'a model target fails: it is left alone until it answers');
    else log.info({ model, target }, 'a model target answers again');
  }
}
