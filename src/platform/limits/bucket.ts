import { Count } from './count.ts';
import type { LimitRule } from './window.ts';

/** The counts of one key, a count for each rule. */
export class Bucket {
  #rules: readonly LimitRule[] = [];
  #counts: Count[] = [];
  /** The lease that is under way; whether Redis answered it. */
  leasing: Promise<boolean> | undefined;
  /** How many requests wait for a lease. */
  waiting = 0;

  get counts(): readonly Count[] {
    return this.#counts;
  }

  /** Takes these rules from now on; what was counted for the same windows stays. */
  follow(rules: readonly LimitRule[], nowMs: number): void {
    if (rules !== this.#rules) {
      this.#rules = rules;
      this.#counts = rules.map((rule) => {
        const known = this.#counts.find((count) => count.rule.window === rule.window);
        if (known === undefined) return new Count(rule);
        known.rule = rule;
        return known;
      });
    }
    for (const count of this.#counts) count.turnTo(nowMs);
  }

  /** Whether every count has leased points left. */
  get hasSpare(): boolean {
    for (const count of this.#counts) if (count.spare === 0) return false;
    return true;
  }
}
