import { toDay } from '../../base/days.ts';

/** A calendar month in UTC; instants in milliseconds since 1970, the end excluded. */
export interface Month {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  /** As `2026-11-01`. */
  readonly firstDay: string;
}

/** The month that an instant lies in. */
export function monthOf(nowMs: number): Month {
  const now = new Date(nowMs);
  const startsAtMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  const endsAtMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  return { startsAtMs, endsAtMs, firstDay: toDay(new Date(startsAtMs)) };
}

/** Tokens that are set aside. */
interface HeldTokens {
  readonly tokens: number;
  /** Whether Redis may hold them too. */
  readonly isShared: boolean;
}

/** The tokens of one user in one month, as far as this server knows. */
export class TokenAccount {
  readonly userId: string;
  readonly month: Month;
  /** The counts in Redis: the tokens used, and the reservations. */
  readonly keys: readonly [string, string];
  /** When the database last said what was used, on the monotonic clock; undefined when it is to be asked first. */
  readAtMs: number | undefined;
  /** What the user was given beside the plan, as the database last said. */
  givenTokens = 0;
  /** The reading that is under way, and that will do. */
  reading: Promise<void> | undefined;
  /** The reservations that are over and that Redis may still hold: those that were under way when it ceased to answer. */
  readonly over = new Set<string>();
  #usedTokens = 0;
  #commonTokens = 0;
  #reservedTokens = 0;
  readonly #reservations = new Map<string, HeldTokens>();

  constructor(userId: string, month: Month) {
    this.userId = userId;
    this.month = month;
    const prefix = `evenkeel:tokens:{${userId}}:${month.firstDay}`;
    this.keys = [`${prefix}:used`, `${prefix}:reserved`];
  }

  get usedTokens(): number {
    return this.#usedTokens;
  }

  /** What this server has set aside. */
  get reservedTokens(): number {
    return this.#reservedTokens;
  }

  /** What was used as far as the other servers can know: what Redis or the database last said. */
  get commonTokens(): number {
    return this.#commonTokens;
  }

  /** Takes in what Redis or the database says was used. Use only grows, so who says more knows more. */
  learn(usedTokens: number): void {
    this.#commonTokens = Math.max(this.#commonTokens, usedTokens);
    this.#usedTokens = Math.max(this.#usedTokens, usedTokens);
  }

  reserve(id: string, held: HeldTokens): void {
    this.#reservations.set(id, held);
    this.#reservedTokens += held.tokens;
  }

  /** What was set aside; undefined when it had been settled before, which changes nothing. */
  settle(id: string): HeldTokens | undefined {
    const held = this.#reservations.get(id);
    if (held === undefined) return undefined;
    this.#reservations.delete(id);
    this.#reservedTokens -= held.tokens;
    return held;
  }

  /** Counts what was used. */
  use(tokens: number): void {
    this.#usedTokens += tokens;
  }
}
