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
  readonly maxKeys?: number;
}

/** What came of asking: of the window that has least left, or, refused, of the one that is used up for longest. */
export interface Verdict {
  readonly isAllowed: boolean;
  readonly rule: LimitRule;
  readonly remaining: number;
  /** Milliseconds until that window ends. */
  readonly resetMs: number;
  /** When it was said, in milliseconds since 1970. */
  readonly saidAtMs: number;
}

/** How one rule stands. */
export interface Standing {
  readonly rule: LimitRule;
  readonly remaining: number;
  readonly endsAtMs: number;
}

const MAX_KEYS = 50_000;
/** A lease is at most this part of the limit: what a server that dies takes along. */
const LEASES_PER_LIMIT = 100;
/** Debts that are paid at once. Ten times as many may take longer than a command may: Redis would seem away again. */
const PAID_AT_ONCE = 100;
/** How much longer than its window a count is kept in Redis, in milliseconds: for servers whose clocks differ. */
const KEPT_LONGER_MS = 60_000;

/**
 * Counts how often something happens, and refuses what is too often. Exact: over all servers that share a Redis, no more
 * than the limit is let through in a window. Points are leased from Redis in blocks, so a busy key costs it far less than
 * a command a request; a refused request costs it nothing.
 *
 * While Redis is away, each server goes on by itself with its part of the limit, limit ÷ servers. What it lets through then
 * is a debt, which it pays when the key is next asked for, and within about a second of Redis being back.
 */
export class Limiter {
  readonly #redis: Redis | undefined;
  readonly #clock: Clock;
  readonly #instances: LiveInstances | undefined;
  readonly #buckets: LRUCache<string, Bucket>;
  readonly #maxKeys: number;
  /** Those that may be in debt, at most as many as are remembered. */
  readonly #debtors = new Set<Bucket>();
  #paying: Promise<void> | undefined;

  constructor({ redis, clock, maxKeys = MAX_KEYS }: LimiterOptions) {
    this.#redis = redis;
    this.#clock = clock;
    this.#instances = redis && new LiveInstances(redis, () => this.#payDebts());
    this.#maxKeys = maxKeys;
    this.#buckets = new LRUCache({ max: maxKeys });
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
   * Takes a point of every rule, or of none. Answers at once unless points must be leased first, for which it waits at
   * most as long as a Redis command may take. Never throws. The rules of a plan are one array that stays the same.
   */
  consume(key: string, rules: readonly LimitRule[]): Verdict | Promise<Verdict> {
    const bucket = this.#bucketOf(key, rules);
    return this.#takeNow(bucket) ?? this.#leaseAndTake(rules, bucket);
  }

  /** Takes back a point of every rule, taken at a time, for what should not have counted after all. Windows over by now have none. */
  giveBack(key: string, rules: readonly LimitRule[], takenAtMs: number): void {
    for (const count of this.#bucketOf(key, rules).counts) if (count.startsAtMs <= takenAtMs) count.giveBack();
  }

  /** How each rule stands, by Redis where it answers. Takes nothing. */
  async inspect(key: string, rules: readonly LimitRule[]): Promise<Standing[]> {
    const bucket = this.#bucketOf(key, rules);
    if (this.#redis?.isAvailable) await this.#leaseOnce(bucket, 0);
    return bucket.counts.map((count) => ({
      rule: count.rule,
      remaining: this.#remainingOf(count),
      endsAtMs: count.endsAtMs,
    }));
  }

  #bucketOf(key: string, rules: readonly LimitRule[]): Bucket {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new Bucket(key);
      this.#buckets.set(key, bucket);
    }
    bucket.follow(rules, this.#clock.now().getTime());
    return bucket;
  }

  /** Undefined when points must be leased. */
  #takeNow(bucket: Bucket): Verdict | undefined {
    if (!this.#redis?.isAvailable) return this.#takeAlone(bucket);
    if (bucket.hasSpare) return this.#allow(bucket);
    return bucket.counts.some(isGivenAway) ? this.#refuse(bucket, isGivenAway) : undefined;
  }

  /** Without asking Redis. */
  #takeAlone(bucket: Bucket): Verdict {
    const isUsedUp = (count: Count) => this.#remainingOf(count) === 0;
    if (bucket.counts.some(isUsedUp)) return this.#refuse(bucket, isUsedUp);
    if (this.#redis !== undefined && this.#debtors.size < this.#maxKeys) this.#debtors.add(bucket);
    return this.#allow(bucket);
  }

  async #leaseAndTake(rules: readonly LimitRule[], bucket: Bucket): Promise<Verdict> {
    for (;;) {
      bucket.waiting++;
      const isAnswered = await this.#leaseOnce(bucket, bucket.waiting);
      bucket.waiting--;
      bucket.follow(rules, this.#clock.now().getTime());
      const verdict = isAnswered ? this.#takeNow(bucket) : this.#takeAlone(bucket);
      if (verdict !== undefined) return verdict;
    }
  }

  /** Leases, or joins the lease that is under way. */
  #leaseOnce(bucket: Bucket, need: number): Promise<boolean> {
    bucket.leasing ??= this.#lease(bucket, need).finally(() => {
      bucket.leasing = undefined;
    });
    return bucket.leasing;
  }

  /** Asks Redis for points of every count that has too few for those who need one, and pays debts. Whether it answered. */
  async #lease(bucket: Bucket, need: number): Promise<boolean> {
    const nowMs = this.#clock.now().getTime();
    const asked = bucket.counts.map((count) => ({ count, lessee: count.lessee }));
    const keys = asked.map(
      ({ count }) => `evenkeel:leases:{${bucket.key}}:${count.rule.window.name}:${count.startsAtMs}`,
    );
    const values = asked.flatMap(({ count, lessee }) => {
      const { limit } = count.rule;
      const keptMs = count.endsAtMs - nowMs + KEPT_LONGER_MS;
      return [lessee, count.leased, count.used, Math.floor(limit / LEASES_PER_LIMIT), limit, keptMs];
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
    if (bucket.isInDebt) await this.#leaseOnce(bucket, 0);
    if (!bucket.isInDebt) this.#debtors.delete(bucket);
  }

  #remainingOf(count: Count): number {
    if (this.#instances === undefined || this.#redis?.isAvailable) return count.remaining;
    // Leased points first, then this server's part of the limit.
    const share = this.#instances.shareOf(count.rule.limit) - count.used;
    return Math.min(count.remaining, Math.max(count.spare, share, 0));
  }

  /** Uses a point of each, and tells of the one that has least left. */
  #allow({ counts }: Bucket): Verdict {
    let least: Count | undefined;
    let remaining = Number.POSITIVE_INFINITY;
    for (const count of counts) {
      count.use();
      const left = this.#remainingOf(count);
      if (left < remaining) [least, remaining] = [count, left];
    }
    return this.#tell(least, { isAllowed: true, remaining });
  }

  /** Tells of the count that lets nothing through for longest. */
  #refuse({ counts }: Bucket, isUsedUp: (count: Count) => boolean): Verdict {
    const usedUp = counts.filter(isUsedUp);
    const last = usedUp.reduce((latest, count) => (count.endsAtMs > latest.endsAtMs ? count : latest));
    return this.#tell(last, { isAllowed: false, remaining: 0 });
  }

  #tell(count: Count | undefined, { isAllowed, remaining }: { isAllowed: boolean; remaining: number }): Verdict {
    if (count === undefined) throw new Error('A limit needs at least one rule.');
    const saidAtMs = this.#clock.now().getTime();
    return { isAllowed, rule: count.rule, remaining, resetMs: count.endsAtMs - saidAtMs, saidAtMs };
  }
}

/** Whether Redis has no more points to give, and this server has none left. */
function isGivenAway(count: Count): boolean {
  return count.spare === 0 && count.isGivenOut;
}
