import type { AppError } from '../../base/errors.ts';
import type { Permit } from '../../platform/resilience/index.ts';
import type { Usage } from './completion.ts';
import { type GuardedTarget, isRefusalOfRequest, isTargetTrouble } from './guarded-target.ts';

/**
 * One request to a target, from its beginning to what became of it, which the target's breaker and the observer are told.
 * Exactly one of `succeed`, `fail` and `failForNow` is called.
 */
export class Trial {
  readonly #target: GuardedTarget;
  readonly #permit: Permit;
  readonly #startedMs: number;
  #firstByteMs: number | undefined;

  private constructor(target: GuardedTarget, permit: Permit) {
    this.#target = target;
    this.#permit = permit;
    this.#startedMs = target.options.clock.monotonicMs();
  }

  /** Begins a request, unless the target's breaker refuses it: undefined. */
  static tryBegin(target: GuardedTarget): Trial | undefined {
    const permit = target.breaker.tryEnter();
    return permit && new Trial(target, permit);
  }

  /** Whether the answer has begun to come. */
  get hasBegun(): boolean {
    return this.#firstByteMs !== undefined;
  }

  /** The first chunk came: enough to close a half-open breaker, or others would wait for the end of a long stream. */
  heard(): void {
    this.#firstByteMs = this.#elapsedMs();
    if (this.#target.breaker.state === 'half-open') this.#permit.succeeded();
  }

  succeed(usage: Usage | null | undefined): void {
    this.#end('ok', () => this.#permit.succeeded(), usage ?? undefined);
  }

  /** It was for nothing: an error of the target, of the request, or the reason for which the caller's deadline ended. */
  fail(error: unknown): void {
    if (!isTargetTrouble(error)) {
      if (isRefusalOfRequest(error)) this.#end(error.code, () => this.#permit.succeeded());
      // The caller left.
      else this.#end('cancelled', () => this.#permit.dropped());
      return;
    }
    this.#end(error.code, () => {
      this.#target.noteError(error);
      // Who says that it has too much to do is there.
      if (error.code === 'models.rate_limited') this.#permit.succeeded();
      else this.#permit.failed();
    });
  }

  /** As `fail`, but the target is asked again: only the last try of a request tells its breaker. */
  failForNow(error: AppError): void {
    this.#end(error.code, () => this.#target.noteError(error));
  }

  #elapsedMs(): number {
    return this.#target.options.clock.monotonicMs() - this.#startedMs;
  }

  #end(outcome: string, tellBreaker: () => void, usage?: Usage): void {
    tellBreaker();
    const { model, name: target, onCall } = this.#target.options;
    const firstByteMs = this.#firstByteMs;
    onCall?.({
      ...{ model, target, outcome, durationMs: this.#elapsedMs() },
      ...(firstByteMs !== undefined && { firstByteMs }),
      ...(usage && { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens }),
    });
  }
}
