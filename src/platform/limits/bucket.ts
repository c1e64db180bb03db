import { Count } from './count.ts';
import type { LimitRule } from './window.ts';

/** The counts of one key, a count for each rule. */
export class Bucket {
  readonly key: string;
  #rules: readonly LimitRule[] = [];
  #counts: Count[] = [];
  /** The counts of all windows that rules have limited so far. */
  readonly #known: Count[] = [];
  /** The lease that is under way; whether Redis answered it. */
  leasing: Promise<boolean> | undefined;
  /** How many requests wait for a lease. */
  waiting = 0;

  constructor(key: string) {
    this.key = key;
  }

  get rules(): readonly LimitRule[] {
    return this.#rules;
  }

  get counts(): readonly Count[] {
    return this.#counts;
  }

  /** Takes these rules from now on; what was counted for the same windows stays, also where other rules came between. */
  follow(rules: readonly LimitRule[], nowMs: number): void {
    if (rules !== this.#rules) {
      this.#rules = rules;
      this.#counts = rules.map((rule) => {
        const known = this.#known.find((count) => count.rule.window === rule.window);
        const count = known ?? new Count(rule);
        if (known === undefined) this.#known.push(count);
        count.rule = rule;
        return count;
      });
    }
    this.turnTo(nowMs);
  }

  /** Moves on to the windows that it is now. */
  turnTo(nowMs: number): void {
    for (const count of this.#counts) count.turnTo(nowMs);
  }

  /** Whether points were used without a lease. */
  get isInDebt(): boolean {
    return this.#counts.some((count) => count.debt > 0);
  }

  /** Whether every count has leased points left. */
  get hasSpare(): boolean {
    for (const count of this.#counts) if (count.spare === 0) return false;
    return true;
  }
}
