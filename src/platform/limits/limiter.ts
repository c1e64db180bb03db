import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/time.ts';
import type { Redis } from '../redis/index.ts';
import { Bucket } from './bucket.ts';
import type { Count } from './count.ts';
import { leaseScript } from './lease-script.ts';
import { LiveInstances } from './live-instances.ts';
import type { LimitRule } from './window.ts';

/** Options of `Limiter`. */
export interface LimiterOptions {
  /** Shared by all servers; without it each counts for itself. */
  readonly redis: Redis | undefined;
  readonly clock: Clock;
  /** Keys that are remembered at once; the one not seen for longest is forgotten: 50,000, about 40 MB. */
  readonly maxKeys?: number | undefined;
  /** The servers that share Redis; counted by this limiter when absent. */
  readonly instances?: LiveInstances | undefined;
}

/** How often something may happen under a key. The rules of a plan are one array that stays the same. */
export interface Allowance {
  readonly key: string;
  readonly rules: readonly LimitRule[];
}

/** What came of asking: of the window that has least left, or, refused, of the one that is used up for longest. */
export interface Verdict {
  readonly isAllowed: boolean;
  readonly rule: LimitRule;
  /** All rules of the same key. */
  readonly rules: readonly LimitRule[];
  readonly remaining: number;
  /** Milliseconds until that window ends. */
  readonly resetMs: number;
}

/** How one rule stands. */
export interface Standing {
  readonly rule: LimitRule;
  readonly remaining: number;
  readonly endsAtMs: number;
}

const MAX_KEYS = 50_000;
/** A block is at most this part of the limit: what a server that dies takes along. */
const LEASES_PER_LIMIT = 100;
/**
 * A block is at most this, or as much as this server has used in the window. Much smaller, and a key that is seldom used costs a
 * command a request; much larger, and each of many servers, or one that forgets and meets a key again, takes far more than it uses.
 */
const FIRST_BLOCK = 10;
/** Debts that are paid at once. Ten times as many may take longer than a command may: Redis would seem away again. */
const PAID_AT_ONCE = 100;
/** How much longer than its window a count is kept in Redis, in milliseconds: for servers whose clocks differ. */
const KEPT_LONGER_MS = 60_000;

/**
 * Counts how often something happens, and refuses what is too often. Exact: over all servers that share a Redis, no more
 * than the limit is let through in a window. Points are leased from Redis in blocks, so a busy key costs it far less than
 * a command a request; a refused request costs it nothing.
 *
 * While Redis is away, each server goes on by itself with its part of the limit, limit ÷ servers, which may come beside what
 * others let through before. What it lets through then is a debt, which it pays when the key is next asked for, and within
 * about a second of Redis being back.
 */
export class Limiter {
  readonly #options: LimiterOptions;
  readonly #redis: Redis | undefined;
  readonly #clock: Clock;
  readonly #instances: LiveInstances | undefined;
  readonly #buckets: LRUCache<string, Bucket>;
  /** Those that may be in debt, at most as many as are remembered. */
  readonly #debtors = new Set<Bucket>();
  #paying: Promise<void> | undefined;

  constructor(options: LimiterOptions) {
    const { redis, clock, maxKeys = MAX_KEYS, instances = redis && new LiveInstances(redis) } = options;
    this.#options = options;
    this.#redis = redis;
    this.#clock = clock;
    this.#instances = instances;
    this.#instances?.onBeat(() => this.#payDebts());
    this.#buckets = new LRUCache({ max: maxKeys });
  }

  /**
   * A limiter that remembers keys of its own: for those that anybody can make up. A flood of them would have the others
   * forgotten, and who has used up a limit would get it anew. It is started and stopped with this one.
   */
  apart(): Limiter {
    return new Limiter({ ...this.#options, instances: this.#instances });
  }

  /** How many servers share the limits, as far as is known; 1 without Redis. */
  get instanceCount(): number {
    return this.#instances?.count ?? 1;
  }

  /** This server's part of something: the parts of all servers add up to it. */
  shareOf(amount: number): number {
    return this.#instances?.shareOf(amount) ?? amount;
  }

  /** Begins to count the servers, and to be counted. */
  start(): void {
    this.#instances?.start();
  }

  async stop(): Promise<void> {
    await this.#instances?.stop();
  }

  /**
   * Takes a point of every rule of every key, or of none. Answers at once unless points must be leased first; a Redis that
   * does not answer is waited for no longer than a command may take. Never throws.
   */
  consume(allowances: readonly Allowance[]): Verdict | Promise<Verdict> {
    const buckets = allowances.map((allowance) => this.#bucketOf(allowance));
    return this.#takeNow(buckets) ?? this.#leaseAndTake(allowances, buckets);
  }

  /** How each rule stands, by Redis where it answers. Takes nothing. */
  async inspect(allowance: Allowance): Promise<Standing[]> {
    const bucket = this.#bucketOf(allowance);
    if (this.#redis?.isAvailable) await this.#leaseOnce([bucket], 0);
    return bucket.counts.map((count) => ({
      rule: count.rule,
      remaining: this.#remainingOf(count),
      endsAtMs: count.endsAtMs,
    }));
  }

  #bucketOf({ key, rules }: Allowance): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket(key);
      this.#buckets.set(key, bucket);
    }
    bucket.follow(rules, this.#clock.now().getTime());
    return bucket;
  }

  /** Undefined when points must be leased. */
  #takeNow(buckets: readonly Bucket[]): Verdict | undefined {
    if (!this.#redis?.isAvailable) return this.#takeAlone(buckets);
    if (buckets.every(({ hasSpare }) => hasSpare)) return this.#allow(buckets);
    return this.#findRefusal(buckets, isGivenAway);
  }

  /** Without asking Redis. */
  #takeAlone(buckets: readonly Bucket[]): Verdict {
    const refusal = this.#findRefusal(buckets, (count) => this.#remainingOf(count) === 0);
    if (refusal !== undefined) return refusal;
    if (this.#redis !== undefined) {
      for (const bucket of buckets) if (this.#debtors.size < this.#buckets.max) this.#debtors.add(bucket);
    }
    return this.#allow(buckets);
  }

  async #leaseAndTake(allowances: readonly Allowance[], buckets: readonly Bucket[]): Promise<Verdict> {
    for (;;) {
      for (const bucket of buckets) bucket.waiting++;
      // What is leased of one key serves those only who get it of the others, too.
      const isAnswered = await this.#leaseOnce(buckets, Math.min(...buckets.map(({ waiting }) => waiting)));
      for (const bucket of buckets) bucket.waiting--;
      const nowMs = this.#clock.now().getTime();
      for (const [index, { rules }] of allowances.entries()) buckets[index]?.follow(rules, nowMs);
      const verdict = isAnswered ? this.#takeNow(buckets) : this.#takeAlone(buckets);
      if (verdict !== undefined) return verdict;
    }
  }

  /**
   * Leases, or waits for a lease of one of them that is under way. Each has one at a time, also where others are leased with
   * it: two that know nothing of each other would both lease of their own what only one of them gets of what they share.
   */
  #leaseOnce(buckets: readonly Bucket[], need: number): Promise<boolean> {
    const underWay = buckets.find(({ leasing }) => leasing !== undefined)?.leasing;
    if (underWay !== undefined) return underWay;
    const leasing = this.#lease(buckets, need).finally(() => {
      for (const bucket of buckets) bucket.leasing = undefined;
    });
    for (const bucket of buckets) bucket.leasing = leasing;
    return leasing;
  }

  /** Asks Redis for points of every count that has too few for those who need one, and pays debts. Whether it answered. */
  async #lease(buckets: readonly Bucket[], need: number): Promise<boolean> {
    const nowMs = this.#clock.now().getTime();
    const asked = buckets.flatMap(({ key, counts }) => counts.map((count) => ({ key, count, lessee: count.lessee })));
    const keys = asked.map(
      ({ key, count }) => `evenkeel:leases:{${key}}:${count.rule.window.name}:${count.startsAtMs}`,
    );
    const values = asked.flatMap(({ count, lessee }) => {
      const { limit } = count.rule;
      const block = Math.min(Math.floor(limit / LEASES_PER_LIMIT), Math.max(FIRST_BLOCK, count.used));
      const keptMs = count.endsAtMs - nowMs + KEPT_LONGER_MS;
      return [lessee, count.leased, count.used, block, limit, keptMs];
    });
    const answer = await this.#redis?.run(leaseScript, keys, [need, ...values]);
    if (!Array.isArray(answer)) return false;
    for (const [index, { count, lessee }] of asked.entries()) {
      const grant = { leased: Number(answer[index * 2]), everywhere: Number(answer[index * 2 + 1]) };
      // The answer for a window that is over by now leads nowhere.
      if (count.lessee === lessee) count.receive(grant);
    }
    return true;
  }

  /** Tells Redis what was let through while it was away. */
  #payDebts(): void {
    if (this.#debtors.size === 0) return;
    this.#paying ??= this.#payAll().finally(() => {
      this.#paying = undefined;
    });
  }

  async #payAll(): Promise<void> {
    const debtors = [...this.#debtors];
    while (debtors.length > 0 && this.#redis?.isAvailable) {
      await Promise.all(debtors.splice(0, PAID_AT_ONCE).map((bucket) => this.#pay(bucket)));
    }
  }

  async #pay(bucket: Bucket): Promise<void> {
    // What was let through in a window that is over matters no more.
    bucket.turnTo(this.#clock.now().getTime());
    if (bucket.isInDebt) await this.#leaseOnce([bucket], 0);
    if (!bucket.isInDebt) this.#debtors.delete(bucket);
  }

  #remainingOf(count: Count): number {
    if (this.#instances === undefined || this.#redis?.isAvailable) return count.remaining;
    // Leased points first, then this server's part of the limit.
    const share = this.#instances.shareOf(count.rule.limit) - count.used;
    return Math.min(count.remaining, Math.max(count.spare, share, 0));
  }

  /** Uses a point of each, and tells of the one that has least left. */
  #allow(buckets: readonly Bucket[]): Verdict {
    let least: { count: Count; rules: readonly LimitRule[] } | undefined;
    let remaining = Number.POSITIVE_INFINITY;
    for (const { counts, rules } of buckets) {
      for (const count of counts) {
        count.use();
        const left = this.#remainingOf(count);
        if (left < remaining) [least, remaining] = [{ count, rules }, left];
      }
    }
    if (least === undefined) throw new Error('A limit needs at least one rule.');
    return this.#tell(least, { isAllowed: true, remaining });
  }

  /** Tells of the count that lets nothing through for longest; undefined where none is used up. */
  #findRefusal(buckets: readonly Bucket[], isUsedUp: (count: Count) => boolean): Verdict | undefined {
    let last: { count: Count; rules: readonly LimitRule[] } | undefined;
    for (const { counts, rules } of buckets) {
      for (const count of counts) {
        if (isUsedUp(count) && count.endsAtMs > (last?.count.endsAtMs ?? 0)) last = { count, rules };
      }
    }
    return last && this.#tell(last, { isAllowed: false, remaining: 0 });
  }

  #tell(
    { count, rules }: { count: Count; rules: readonly LimitRule[] },
    outcome: { isAllowed: boolean; remaining: number },
  ): Verdict {
    const resetMs = count.endsAtMs - this.#clock.now().getTime();
    return { ...outcome, rule: count.rule, rules, resetMs };
  }
}

/** Whether Redis has no more points to give, and this server has none left. */
function isGivenAway(count: Count): boolean {
  return count.spare === 0 && count.isGivenOut;
}
