import { newId } from '../../base/ids.ts';
import type { LimitRule } from './window.ts';

/** What Redis said of one count: how many points it has given out, to this server and to all together. */
export interface Grant {
  readonly leased: number;
  readonly everywhere: number;
}

/**
 * One rule's count for one key, on this server. Without Redis only `used` matters. With Redis, points are leased: taken
 * out of the shared count in blocks, and used here without asking. What was used without a lease, while Redis was away, is
 * a debt that the next lease pays.
 */
export class Count {
  rule: LimitRule;
  #startsAtMs = 0;
  #endsAtMs = 0;
  #used = 0;
  #leased = 0;
  #lessee: string | undefined;
  /** What all servers together had leased when Redis last said. */
  #everywhere = 0;

  constructor(rule: LimitRule) {
    this.rule = rule;
  }

  get startsAtMs(): number {
    return this.#startsAtMs;
  }

  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  /** Points used by this server, in this window. */
  get used(): number {
    return this.#used;
  }

  /** Points that this server took out of the shared count in this window. */
  get leased(): number {
    return this.#leased;
  }

  /**
   * The name under which points are leased, which Redis keeps with how many they are. A new one whenever this server no
   * longer knows how many it leased and used: else Redis would give it those points once more.
   */
  get lessee(): string {
    this.#lessee ??= newId();
    return this.#lessee;
  }

  /** Leased points that are left, and may be used: under an earlier rule more may have been leased than this one allows. */
  get spare(): number {
    return Math.max(0, Math.min(this.#leased, this.rule.limit) - this.#used);
  }

  /** Points used without a lease. */
  get debt(): number {
    return Math.max(0, this.#used - this.#leased);
  }

  /** Points left of the limit, as far as this server knows. */
  get remaining(): number {
    return Math.max(0, this.rule.limit - this.#everywhere + this.#leased - this.#used);
  }

  /** Whether all points had been given out when Redis last said. */
  get isGivenOut(): boolean {
    return this.#everywhere >= this.rule.limit;
  }

  /**
   * Moves on to the window that it is now. When the clock was set back, the count goes along into the earlier window:
   * nobody gets points anew, and nobody waits for longer than a window lasts.
   */
  turnTo(nowMs: number): void {
    if (nowMs >= this.#startsAtMs && nowMs < this.#endsAtMs) return;
    const { durationMs } = this.rule.window;
    const startsAtMs = Math.floor(nowMs / durationMs) * durationMs;
    if (startsAtMs > this.#startsAtMs) this.#used = 0;
    this.#leased = 0;
    this.#lessee = undefined;
    this.#everywhere = 0;
    this.#startsAtMs = startsAtMs;
    this.#endsAtMs = startsAtMs + durationMs;
  }

  /** Uses a point. */
  use(): void {
    this.#used++;
  }

  /** Takes in what Redis said. */
  receive({ leased, everywhere }: Grant): void {
    this.#leased = leased;
    this.#everywhere = everywhere;
  }
}
