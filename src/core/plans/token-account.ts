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
  return { startsAtMs, endsAtMs, firstDay: new Date(startsAtMs).toISOString().slice(0, 10) };
}

/** The tokens of one user in one month, as far as this server knows. */
export class TokenAccount {
  readonly userId: string;
  readonly month: Month;
  /** The counts in Redis: the tokens used, and the reservations. */
  readonly keys: readonly [string, string];
  /** When the database last said what was used, on the monotonic clock; undefined when it never did. */
  readAtMs: number | undefined;
  /** What the user was given beside the plan, as the database last said. */
  givenTokens = 0;
  /** The reading that is under way. */
  reading: Promise<void> | undefined;
  #usedTokens = 0;
  #reservedTokens = 0;
  readonly #reservations = new Map<string, number>();

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

  /** Takes in what another source says was used. Use only grows, so who says more knows more. */
  learn(usedTokens: number): void {
    this.#usedTokens = Math.max(this.#usedTokens, usedTokens);
  }

  reserve(id: string, tokens: number): void {
    this.#reservations.set(id, tokens);
    this.#reservedTokens += tokens;
  }

  /** Whether there was such a reservation still. */
  settle(id: string, usedTokens: number): boolean {
    const tokens = this.#reservations.get(id);
    if (tokens === undefined) return false;
    this.#reservations.delete(id);
    this.#reservedTokens -= tokens;
    this.#usedTokens += usedTokens;
    return true;
  }
}
