import { LRUCache } from 'lru-cache';
import type { CallContext } from '../../base/call-context.ts';
import { AppError } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { postgresErrors } from '../postgres/index.ts';
import type { Redis } from '../redis/index.ts';
import type { Entry, Load } from './entry.ts';
import { Flights, type Outcome } from './flight.ts';
import { MemoryLayer } from './memory-layer.ts';
import { RedisLayer } from './redis-layer.ts';
import { Trust } from './trust.ts';
import { UntoldFloors } from './untold-floors.ts';

/** Options of `Cache`. */
export interface CacheOptions<Value> {
  /** Part of the keys in Redis. */
  readonly name: string;
  readonly load: Load<Value>;
  /** How long a load may take, in milliseconds. */
  readonly loadBudgetMs: number;
  /** Whether JSON that was read from Redis is such a value. */
  readonly isValue: (json: unknown) => json is Value;
  /** How long a value serves unchecked, in milliseconds. `setTtl` changes it. */
  readonly ttlMs: number;
  /** How long after it was last confirmed a value serves while the source is away, in milliseconds. */
  readonly graceMs: number;
  readonly maxEntries: number;
  /** What is kept in memory, by the JSON of the values: true where nearly all of a value is text. */
  readonly maxBytes: number;
  readonly redis?: Redis | undefined;
  readonly clock: Clock;
  /** Off: every `get` is a load. */
  readonly isEnabled: boolean;
}

/** What a cache has done so far, and holds now. */
export interface CacheStatistics {
  /** How many tags there are values of. */
  readonly tags: number;
  readonly sizeBytes: number;
  readonly ttlMs: number;
  readonly hits: number;
  readonly misses: number;
  /** From 0 to 1; 0 before the first use. */
  readonly hitRate: number;
  readonly evictions: number;
}

/** One use of the cache. */
interface Ask<Value> {
  readonly key: string;
  readonly context: CallContext;
  readonly load: Load<Value>;
}

/** The longest TTL that may be set, in milliseconds: floors are kept for so long. */
export const MAX_TTL_MS = 3_600_000;
/** How long it is remembered that the source knows no such key, in milliseconds. */
const NEGATIVE_TTL_MS = 30_000;
// Beyond it the least recently asked go: a flood of made-up keys costs loads, not memory.
const MAX_NEGATIVES = 10_000;
/** How long a caller who could be served by grace waits for the source. Loads that are well are far quicker. */
const PATIENCE_MS = 1_000;
/** After a load that failed, those who can be served by grace are, for so long, without another try. */
const SOURCE_REST_MS = 1_000;
// Each round takes a change at the source in mid load; so many in a row do not happen by themselves.
const MAX_ROUNDS = 5;

/**
 * Values by key, in memory and, where there is one, in Redis, read at the source when they are not there. See `Trust` for
 * which values may serve. It starts deaf: until `restore` is called, every use of a value is checked by a load. That a key is
 * unknown is remembered for its time whether or not changes are heard of: none of them would name it.
 */
export class Cache<Value> {
  readonly #options: CacheOptions<Value>;
  readonly #clock: Clock;
  readonly #trust: Trust;
  readonly #memory: MemoryLayer<Value>;
  readonly #redis: RedisLayer<Value> | undefined;
  readonly #untoldFloors: UntoldFloors | undefined;
  readonly #flights: Flights<Value>;
  /** Keys that the source does not know, with the end of their time. */
  readonly #negatives = new LRUCache<string, number>({ max: MAX_NEGATIVES });
  #ttlMs: number;
  readonly #listeners: ((tag: string | undefined) => void)[] = [];
  #sourceRestsUntilMs = 0;
  #hits = 0;
  #misses = 0;

  constructor(options: CacheOptions<Value>) {
    const { redis, name, isValue, clock, loadBudgetMs } = options;
    this.#options = options;
    this.#clock = clock;
    this.#ttlMs = options.ttlMs;
    this.#trust = new Trust({ clock, retainMs: this.#floorKeepMs });
    this.#memory = new MemoryLayer(options);
    this.#redis = redis && new RedisLayer({ redis, name, isValue });
    this.#untoldFloors = this.#redis && new UntoldFloors(this.#redis, this.#floorKeepMs);
    this.#flights = new Flights({
      loadBudgetMs,
      clock,
      trust: this.#trust,
      memory: this.#memory,
      redis: this.#redis,
      ttlMs: () => this.#ttlMs,
      keepMs: () => Math.max(this.#ttlMs, options.graceMs),
    });
  }

  /**
   * The value of a key; undefined when the source knows none. Fresh in memory: without I/O. While the source is away, the
   * last one known, within its grace, unless it was invalidated, or may have been unheard.
   *
   * A load given here takes the place of the cache's own, where this call is the one that loads; those who ask for the key
   * meanwhile get what it comes to.
   *
   * @throws AppError 503 when the source is away and nothing may serve; the deadline's reason when that ends first; what
   *   the load throws else.
   */
  async get(key: string, context: CallContext, load = this.#options.load): Promise<Value | undefined> {
    const ask = { key, context, load };
    if (!this.#options.isEnabled) return await this.#loadUncached(ask);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const known = this.#findFresh(key);
      if (known !== undefined) return this.#hit(known.entry);
      const answer = await this.#check(ask);
      if (answer !== undefined) return answer.value;
    }
    throw postgresErrors.raise.unavailable({ cause: new Error('the value changed at each attempt to read it') });
  }

  /** The value of a key, or that there is none, when that is known at once; undefined when it is not. Counts as a hit. */
  find(key: string): { readonly value: Value | undefined } | undefined {
    const known = this.#options.isEnabled ? this.#findFresh(key) : undefined;
    return known && { value: this.#hit(known.entry) };
  }

  /** Has a listener told, from now on, when what belongs to a tag was changed; with undefined, when anything may have been. */
  onChange(listener: (tag: string | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** What belongs to a tag was changed by this process, and is at this version now. Redis is told, if need be later. */
  invalidate(tag: string, version: number): void {
    this.hear(tag, version);
    void this.#untoldFloors?.tell(tag, version);
  }

  /** It was heard that what belongs to a tag was changed. */
  hear(tag: string, version: number): void {
    // A change of this process's own is heard of twice: what was read since then may stay.
    if (this.#trust.raiseFloor(tag, version)) this.#memory.deleteTag(tag);
    this.#tell(tag);
  }

  /** Has those who listen told that anything may have been changed. */
  doubt(): void {
    this.#tell(undefined);
  }

  /** Everything is to be forgotten that was read before this instant of the source's clock, in milliseconds. */
  clear(beforeMs: number): void {
    this.#trust.forgetBefore(beforeMs);
    this.#memory.clear();
    this.#negatives.clear();
    this.doubt();
  }

  /**
   * Changes at the source are no longer heard of: from now on every use of a value is checked by a load. Unknown keys go on
   * being answered from memory for their time.
   */
  lose(): void {
    this.#trust.lose();
    this.doubt();
  }

  /**
   * Changes are heard of since this instant of the source's clock, in milliseconds rounded up. What was read before it is
   * checked once more at its next use.
   */
  restore(sinceMs: number): void {
    this.#trust.restore(sinceMs);
    this.doubt();
  }

  /** Whether changes at the source are heard of. */
  get isHearing(): boolean {
    return this.#trust.isHearing;
  }

  /** How long values serve unchecked from now on, those that are there too; at most `MAX_TTL_MS`. */
  setTtl(ttlMs: number): void {
    this.#ttlMs = Math.min(ttlMs, MAX_TTL_MS);
  }

  statistics(): CacheStatistics {
    const uses = this.#hits + this.#misses;
    return {
      tags: this.#memory.tagCount,
      sizeBytes: this.#memory.sizeBytes,
      ttlMs: this.#ttlMs,
      hits: this.#hits,
      misses: this.#misses,
      hitRate: uses === 0 ? 0 : this.#hits / uses,
      evictions: this.#memory.evictions,
    };
  }

  #tell(tag: string | undefined): void {
    for (const listener of this.#listeners) listener(tag);
  }

  /** Longer than any value can serve. */
  get #floorKeepMs(): number {
    return Math.max(MAX_TTL_MS, this.#options.graceMs);
  }

  async #loadUncached({ key, context, load }: Ask<Value>): Promise<Value | undefined> {
    const deadline = context.deadline.shortenedTo(this.#options.loadBudgetMs);
    try {
      return (await load(key, { ...context, deadline }))?.value;
    } finally {
      deadline.end();
    }
  }

  #hit(entry: Entry<Value> | undefined): Value | undefined {
    this.#hits++;
    return entry?.value;
  }

  /** What may be answered at once: a fresh entry, or that there is none. */
  #findFresh(key: string): { entry: Entry<Value> | undefined } | undefined {
    const entry = this.#memory.get(key);
    if (entry !== undefined && this.#isFresh(entry)) return { entry };
    return this.#clock.monotonicMs() < (this.#negatives.get(key) ?? 0) ? { entry: undefined } : undefined;
  }

  #isFresh(entry: Entry<Value>): boolean {
    const trust = this.#trust;
    if (!trust.isHearing || entry.era !== trust.era || !trust.admits(entry)) return false;
    return this.#clock.monotonicMs() - entry.confirmedAtMs < this.#ttlMs;
  }

  /** Looks a key up. Undefined when what was found is out of date by now: then it must be looked up once more. */
  async #check(ask: Ask<Value>): Promise<{ value: Value | undefined } | undefined> {
    const { key } = ask;
    const entry = this.#memory.get(key);
    const hasSpare = entry !== undefined && this.#mayServeInGrace(entry);
    const isResting = hasSpare && this.#clock.monotonicMs() < this.#sourceRestsUntilMs;
    const outcome = isResting ? postgresErrors.raise.unavailable() : await this.#lookUp(ask, hasSpare);
    if (outcome instanceof AppError) {
      const kept = await this.#findInGrace(key);
      if (kept === undefined) throw outcome;
      return { value: this.#hit(kept) };
    }
    return this.#take(key, outcome);
  }

  #take(key: string, { entry, era, isFromRedis }: Outcome<Value>): { value: Value | undefined } | undefined {
    if (era !== this.#trust.era || (entry !== undefined && !this.#trust.admits(entry))) return undefined;
    if (isFromRedis) this.#hits++;
    else this.#misses++;
    if (entry === undefined) {
      this.#memory.delete(key);
      this.#negatives.set(key, this.#clock.monotonicMs() + NEGATIVE_TTL_MS);
    }
    return { value: entry?.value };
  }

  #mayServeInGrace(entry: Entry<Value>): boolean {
    const ageMs = this.#clock.monotonicMs() - entry.confirmedAtMs;
    return ageMs < this.#options.graceMs && this.#trust.remembers(entry) && this.#trust.admits(entry);
  }

  /**
   * Looks a key up, by this caller's deadline. Answers the 503 when the source is away; so too when a caller who has a
   * spare has waited long enough, while the look-up goes on for the next.
   */
  async #lookUp({ key, context, load }: Ask<Value>, hasSpare: boolean): Promise<Outcome<Value> | AppError> {
    const patience = hasSpare ? context.deadline.shortenedTo(PATIENCE_MS) : context.deadline;
    try {
      const outcome = await patience.race(this.#flights.join(key, load));
      context.timings.addAll(outcome.timings);
      if (!outcome.isFromRedis) this.#sourceRestsUntilMs = 0;
      return outcome;
    } catch (error) {
      context.deadline.throwIfEnded();
      const trouble = error === patience.reason ? postgresErrors.raise.timeout({ cause: error }) : error;
      if (!(trouble instanceof AppError) || trouble.status !== 503) throw trouble;
      this.#sourceRestsUntilMs = this.#clock.monotonicMs() + SOURCE_REST_MS;
      return trouble;
    } finally {
      if (hasSpare) patience.end();
    }
  }

  /** The last value known, if it may serve while the source is away. Redis may know of a change that we could not hear. */
  async #findInGrace(key: string): Promise<Entry<Value> | undefined> {
    const entry = this.#memory.get(key) ?? (await this.#findShared(key));
    if (entry === undefined || !this.#mayServeInGrace(entry)) return undefined;
    const floor = (await this.#redis?.readFloor(entry.tag)) ?? 0;
    if (floor > entry.version) this.hear(entry.tag, floor);
    return this.#mayServeInGrace(entry) ? entry : undefined;
  }

  async #findShared(key: string): Promise<Entry<Value> | undefined> {
    const found = await this.#redis?.find(key);
    return found && this.#trust.remembersStranger(found) ? this.#flights.adopt(found) : undefined;
  }
}
