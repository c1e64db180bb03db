import { LRUCache } from 'lru-cache';
import type { Deadline } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import { inBackground } from '../../base/in-background.ts';
import type { Clock } from '../../base/time.ts';
import type { Limiter } from '../../platform/limits/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type Batched, type BatchObservers, createBatch, type Database } from '../../platform/postgres/index.ts';
import type { Redis } from '../../platform/redis/index.ts';
import { limitErrors } from './errors.ts';
import { OpenCalls } from './open-calls.ts';
import type { Plans } from './plans.ts';
import { sumTokens, type UserMonth } from './queries.ts';
import { type Month, monthOf, TokenAccount } from './token-account.ts';
import { reserveScript, settleScript } from './token-scripts.ts';

/** What the budget needs. */
export interface TokenBudgetOptions {
  readonly database: Database;
  readonly observers: BatchObservers;
  /** Shared by all servers, where it is configured. */
  readonly redis: Redis | undefined;
  /** Knows how many servers there are. */
  readonly limiter: Limiter;
  readonly plans: Plans;
  /** How long a call of a model may take, in milliseconds. */
  readonly longestCallMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Is told of each refusal. */
  readonly onRefused?: (limit: 'tokens' | 'model_calls') => void;
}

/** Who spends tokens. */
export interface Spender {
  readonly userId: string;
  readonly plan: string;
}

/** Tokens that are set aside for one call of a model, or for a turn, which counts as one. */
export interface Reservation {
  /**
   * Gives back what was set aside, and counts what was used in its stead; the call is no longer under way. Only the first time
   * counts. To be called before what was used is stored: what the database says of the month is taken in at any time.
   */
  settle(usedTokens: number): void;
}

/** How a month stands. */
export interface TokenStanding {
  readonly limit: number;
  readonly used: number;
  readonly month: Month;
}

/** Accounts remembered at once, about 20 MB; one that is forgotten is read again. */
const MAX_ACCOUNTS = 50_000;
/** How old what the database said may become, in milliseconds, before it is asked again, in the background. */
const READ_AGAIN_MS = 600_000;
/** How long after the longest call of a model a reservation that its server left behind ends, in milliseconds. */
const SETTLE_MARGIN_MS = 60_000;
const READ_BUDGET_MS = 5_000;
/** How often it is looked whether Redis is back, in milliseconds: until then users may be refused for no reason. */
const TELL_AGAIN_MS = 1_000;
/** Accounts of which Redis is told at once. Ten times as many may take longer than a command may: it would seem away again. */
const TOLD_AT_ONCE = 100;

/**
 * The tokens that users may spend in a month. They are reserved before a model is asked and settled after: however many
 * ask at once, no more than one reservation goes over the limit.
 *
 * What was used is in the database; it is read when a user is first seen. From then on it is counted here, and in Redis
 * for all servers. While Redis is away, each server gives out its part of what was left.
 *
 * What Redis did not answer may have been done, may be done when it thaws, or never. So it is sent what was used once at most,
 * when that is settled: sent again, it might count twice. Where it is away then, or does not answer, the database tells it
 * once it is back, and who says more knows more. That a reservation is over is sent until it is answered: with the user's
 * next one here, and about a second after Redis is back.
 */
export class TokenBudget {
  readonly #options: TokenBudgetOptions;
  readonly #reservedMs: number;
  readonly #accounts = new LRUCache<string, TokenAccount>({ max: MAX_ACCOUNTS });
  readonly #openCalls = new OpenCalls();
  readonly #sumTokens: Batched<UserMonth, { tokens: number; given: number }>;
  /** The accounts of which Redis missed something, at most as many as are remembered. */
  readonly #untold = new Set<TokenAccount>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TokenBudgetOptions) {
    const { database, clock, observers, longestCallMs } = options;
    this.#options = options;
    this.#reservedMs = longestCallMs + SETTLE_MARGIN_MS;
    // Users who come back after a restart come all at once.
    this.#sumTokens = createBatch({ statement: sumTokens }, { ...observers, database, clock });
  }

  /**
   * Sets tokens aside, as many as a call of a model may come to. Until they are settled, the call counts as under way.
   * @throws AppError 429 `limits.tokens_exceeded`, `limits.model_calls_exceeded`; 503 `postgres.*` when what was used is not known
   *   and cannot be read.
   */
  async reserve(spender: Spender, tokens: number, deadline: Deadline): Promise<Reservation> {
    const { modelCallsAtOnce: limit } = this.#options.plans.of(spender);
    if (limit === undefined) return await this.#reserveTokens(spender, tokens, deadline);
    const close = this.#openCalls.tryOpen(spender.userId, limit);
    if (close === undefined) {
      this.#options.onRefused?.('model_calls');
      throw limitErrors.raise.model_calls_exceeded({ limit });
    }
    try {
      const { settle } = await this.#reserveTokens(spender, tokens, deadline);
      return {
        settle(usedTokens) {
          close();
          settle(usedTokens);
        },
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  async #reserveTokens(spender: Spender, tokens: number, deadline: Deadline): Promise<Reservation> {
    const { tokensPerMonth } = this.#options.plans.of(spender);
    if (tokensPerMonth === undefined) {
      this.doubt(spender.userId);
      return { settle: (usedTokens) => this.#settleUnlimited(spender.userId, usedTokens) };
    }
    const account = await this.#accountOf(spender.userId, deadline);
    const limit = tokensPerMonth + account.givenTokens;
    const id = newId();
    if (!(await this.#take(account, { id, tokens, limit }))) {
      this.#options.onRefused?.('tokens');
      const monthMs = account.month.endsAtMs - this.#options.clock.now().getTime();
      // What others have set aside may come back at any moment; what is used does not.
      throw limitErrors.raise.tokens_exceeded({ limit }, account.usedTokens < limit ? {} : { retryAfterMs: monthMs });
    }
    return { settle: (usedTokens) => this.#settle(account, id, usedTokens) };
  }

  /** How many calls of models a user has under way on this server, where the plan limits them. */
  countOpenCalls(userId: string): number {
    return this.#openCalls.of(userId);
  }

  /** Counts what was used beside all that is set aside, before it is stored. */
  count(userId: string, usedTokens: number): void {
    this.#use(userId, usedTokens, []);
  }

  /**
   * Has what a user used be read again before the next reservation. Where the plan had no limit, here or on another server,
   * nothing was counted.
   */
  doubt(userId: string): void {
    const known = this.#accounts.get(userId);
    if (known === undefined) return;
    known.readAtMs = undefined;
    // What is being read may be from before.
    known.reading = undefined;
  }

  /** How the month of a user stands, reservations aside; undefined on a plan that does not limit tokens. */
  async inspect(spender: Spender, deadline: Deadline): Promise<TokenStanding | undefined> {
    const { tokensPerMonth } = this.#options.plans.of(spender);
    if (tokensPerMonth === undefined) return undefined;
    const account = this.#find(spender.userId);
    await deadline.race(this.#read(account));
    return { limit: tokensPerMonth + account.givenTokens, used: account.usedTokens, month: account.month };
  }

  /** The account of this month. */
  #find(userId: string): TokenAccount {
    const nowMs = this.#options.clock.now().getTime();
    const known = this.#accounts.get(userId);
    if (known !== undefined && nowMs >= known.month.startsAtMs && nowMs < known.month.endsAtMs) return known;
    const account = new TokenAccount(userId, monthOf(nowMs));
    this.#accounts.set(userId, account);
    return account;
  }

  /** The same, with what was used read at least once. */
  async #accountOf(userId: string, deadline: Deadline): Promise<TokenAccount> {
    const { clock } = this.#options;
    const account = this.#find(userId);
    if (account.readAtMs === undefined) {
      await deadline.race(this.#read(account));
    } else if (clock.monotonicMs() - account.readAtMs > READ_AGAIN_MS) {
      account.readAtMs = clock.monotonicMs();
      void this.#readQuietly(account);
    }
    return account;
  }

  async #readQuietly(account: TokenAccount): Promise<void> {
    try {
      await this.#read(account);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'could not read how many tokens were used');
    }
  }

  /** Takes in what the database says. Those who ask at once share a statement, and so it is nobody's own. */
  #read(account: TokenAccount): Promise<void> {
    const { clock } = this.#options;
    const { userId, month } = account;
    if (account.reading !== undefined) return account.reading;
    const reading = inBackground({ budgetMs: READ_BUDGET_MS }, async (context) => {
      const [row] = await this.#sumTokens({ userId, from: month.firstDay }, context);
      account.learn(row?.tokens ?? 0);
      account.givenTokens = row?.given ?? 0;
      if (account.reading === reading) account.readAtMs = clock.monotonicMs();
    }).finally(() => {
      if (account.reading === reading) account.reading = undefined;
    });
    account.reading = reading;
    return reading;
  }

  async #take(account: TokenAccount, wanted: { id: string; tokens: number; limit: number }): Promise<boolean> {
    const { redis, limiter } = this.#options;
    const { id, tokens, limit } = wanted;
    const isShared = redis?.isAvailable === true;
    if (isShared) {
      const { usedTokens, reservedTokens } = account;
      const over = [...account.over];
      const values = [id, tokens, limit, usedTokens, reservedTokens, this.#reservedMs, this.#keptMs(account), ...over];
      const answer = await redis.run(reserveScript, account.keys, values);
      if (Array.isArray(answer)) {
        for (const ended of over) account.over.delete(ended);
        account.learn(Number(answer[1]));
        if (answer[0] !== 1) return false;
        account.reserve(id, { tokens, isShared });
        return true;
      }
    }
    const { usedTokens, commonTokens, reservedTokens } = account;
    const isAlone = limiter.instanceCount === 1;
    // What this server has used since is out of its own part.
    const isLeft = isAlone
      ? usedTokens + reservedTokens < limit
      : usedTokens - commonTokens + reservedTokens + tokens <= limiter.shareOf(Math.max(0, limit - commonTokens));
    if (isLeft) account.reserve(id, { tokens, isShared });
    else if (isShared) this.#tellLater(account, [id]);
    return isLeft;
  }

  #settle(account: TokenAccount, id: string, usedTokens: number): void {
    const held = account.settle(id);
    if (held === undefined) return;
    // Stored with the day on which the call ended, which may be in the next month. What was set aside in one that is over lapses.
    this.#use(account.userId, usedTokens, held.isShared ? [id] : []);
  }

  /** Counts where the user came to a plan with a limit meanwhile: what the database said then is from before. */
  #settleUnlimited(userId: string, usedTokens: number): void {
    if (this.#accounts.has(userId)) this.#use(userId, usedTokens, []);
  }

  #use(userId: string, usedTokens: number, over: readonly string[]): void {
    const present = this.#find(userId);
    present.use(usedTokens);
    void this.#tell(present, over, usedTokens);
  }

  /** Tells Redis what is over, what was used in its stead, and what was known to be used before. Never rejects. */
  async #tell(account: TokenAccount, over: readonly string[], usedTokens: number): Promise<void> {
    const { redis } = this.#options;
    if (redis === undefined) return;
    const values = [usedTokens, account.usedTokens - usedTokens, this.#keptMs(account), ...over];
    const answer = redis.isAvailable ? await redis.run(settleScript, account.keys, values) : undefined;
    if (answer === undefined) this.#tellLater(account, over);
    else for (const id of over) account.over.delete(id);
  }

  #tellLater(account: TokenAccount, over: readonly string[]): void {
    for (const id of over) account.over.add(id);
    // Until then, the other servers learn of what was used from the database, and this one of theirs.
    if (account.readAtMs !== undefined) account.readAtMs = Number.NEGATIVE_INFINITY;
    if (this.#untold.size < MAX_ACCOUNTS) this.#untold.add(account);
    this.#startTimer();
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => void this.#tellAgain(), TELL_AGAIN_MS).unref();
  }

  /** Tells Redis what it missed, once it is back. */
  async #tellAgain(): Promise<void> {
    const accounts = [...this.#untold];
    while (accounts.length > 0 && this.#options.redis?.isAvailable) {
      const some = accounts.splice(0, TOLD_AT_ONCE);
      await Promise.all(some.map((account) => this.#catchUp(account)));
    }
    this.#timer = undefined;
    if (this.#untold.size > 0) this.#startTimer();
  }

  async #catchUp(account: TokenAccount): Promise<void> {
    this.#untold.delete(account);
    await this.#readQuietly(account);
    await this.#tell(account, [...account.over], 0);
  }

  #keptMs(account: TokenAccount): number {
    return Math.max(this.#reservedMs, account.month.endsAtMs - this.#options.clock.now().getTime());
  }
}
