import type { Logger } from '../../platform/log/index.ts';
import { FALLBACK_PLAN, type Plan } from './read-plans.ts';

/** The plans of a server. */
export class Plans {
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #log: Logger;
  /** Names that users have and no plan has, told of once each. */
  readonly #unknown = new Set<string>();

  constructor(plans: ReadonlyMap<string, Plan>, log: Logger) {
    this.#plans = plans;
    this.#log = log;
  }

  list(): readonly Plan[] {
    return [...this.#plans.values()];
  }

  has(name: string): boolean {
    return this.#plans.has(name);
  }

  /** The plan of a user. One that no longer exists is taken for the smallest, and the log says so. */
  of(user: { readonly plan: string }): Plan {
    return this.#plans.get(user.plan) ?? this.#fallBack(user.plan);
  }

  #fallBack(name: string): Plan {
    if (!this.#unknown.has(name)) {
      this.#unknown.add(name);
      this.#log.warn({ plan: name, instead: FALLBACK_PLAN }, 'users are on a plan that does not exist');
    }
    const plan = this.#plans.get(FALLBACK_PLAN);
    if (plan === undefined) throw new Error(`There is no plan "${FALLBACK_PLAN}".`);
    return plan;
  }
}
