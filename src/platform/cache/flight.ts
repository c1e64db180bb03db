import { Deadline } from '../../base/deadline.ts';
import { newId } from '../../base/ids.ts';
import type { Clock } from '../../base/time.ts';
import { Timings } from '../../base/timings.ts';
import { postgresErrors } from '../postgres/index.ts';
import type { Entry, Load, Loaded } from './entry.ts';
import type { MemoryLayer } from './memory-layer.ts';
import type { RedisLayer } from './redis-layer.ts';
import type { Trust } from './trust.ts';

/** What came of looking a key up past the memory of this process. */
export interface Outcome<Value> {
  /** Undefined when the source knows no such key. */
  readonly entry: Entry<Value> | undefined;
  /** The era in which the look-up began. */
  readonly era: number;
  readonly isFromRedis: boolean;
  readonly timings: Timings;
}

/** What a look-up needs. */
export interface FlightOptions<Value> {
  readonly loadBudgetMs: number;
  readonly clock: Clock;
  readonly trust: Trust;
  readonly memory: MemoryLayer<Value>;
  readonly redis: RedisLayer<Value> | undefined;
  /** How long a value serves unchecked, now. */
  readonly ttlMs: () => number;
  /** How long Redis keeps a value: as long as it can serve at all. */
  readonly keepMs: () => number;
}

/** A value that is younger than this cannot have been read yet: a clock jumped, or somebody made it up. */
const FUTURE_MS = 1_000;

/**
 * Looks up keys past the memory of this process, each key once at a time: in Redis, then, by a lease, at the source. What
 * it finds it stores in memory and in Redis, unless it is below the floor of its tag by then.
 */
export class Flights<Value> {
  readonly #options: FlightOptions<Value>;
  readonly #underWay = new Map<string, Promise<Outcome<Value>>>();

  constructor(options: FlightOptions<Value>) {
    this.#options = options;
  }

  /** Looks a key up, at the source by this load, or joins whoever does already. */
  join(key: string, load: Load<Value>): Promise<Outcome<Value>> {
    let flight = this.#underWay.get(key);
    if (flight === undefined) {
      flight = this.#fly(key, load).finally(() => this.#underWay.delete(key));
      // Those who wait are told; there may be none left.
      flight.catch(() => {});
      this.#underWay.set(key, flight);
    }
    return flight;
  }

  /** A value of another process as an entry of this one; undefined while its age cannot be told, or makes no sense. */
  adopt(found: Loaded<Value>): Entry<Value> | undefined {
    const { trust, clock } = this.#options;
    const ageMs = trust.sourceAgeMs(found.loadedAtMs);
    if (ageMs === undefined || ageMs < -FUTURE_MS) return undefined;
    return { ...found, confirmedAtMs: clock.monotonicMs() - Math.max(0, ageMs), era: trust.era };
  }

  async #fly(key: string, load: Load<Value>): Promise<Outcome<Value>> {
    const { trust, redis } = this.#options;
    const { era } = trust;
    const timings = new Timings();
    let lease: string | undefined;
    if (redis !== undefined && trust.isHearing && trust.mayMeetStrangers) {
      let found = await this.#findShared(key);
      if (found === undefined) {
        const claim = await redis.claim(key);
        lease = claim.lease;
        if (claim.isTaken) found = await redis.waitFor(key, (other) => this.#believe(other));
      }
      if (found !== undefined) {
        if (era === trust.era) this.#options.memory.set(key, found, JSON.stringify(found.value));
        return { entry: found, era, isFromRedis: true, timings };
      }
    }
    const entry = await this.#load(key, { load, lease, timings });
    return { entry, era: entry?.era ?? era, isFromRedis: false, timings };
  }

  async #findShared(key: string): Promise<Entry<Value> | undefined> {
    const found = await this.#options.redis?.find(key);
    return found && this.#believe(found);
  }

  /** A value of another process, if it may serve unchecked. */
  #believe(found: Loaded<Value>): Entry<Value> | undefined {
    const { trust, clock, ttlMs } = this.#options;
    if (!trust.believesStranger(found) || !trust.admits(found)) return undefined;
    const entry = this.adopt(found);
    return entry && clock.monotonicMs() - entry.confirmedAtMs < ttlMs() ? entry : undefined;
  }

  async #load(
    key: string,
    by: { load: Load<Value>; lease: string | undefined; timings: Timings },
  ): Promise<Entry<Value> | undefined> {
    const { loadBudgetMs, clock, trust, redis } = this.#options;
    const { era } = trust;
    const startedAtMs = clock.monotonicMs();
    const deadline = Deadline.after(loadBudgetMs, clock);
    let loaded: Loaded<Value> | undefined;
    try {
      loaded = await by.load(key, { deadline, timings: by.timings, requestId: newId() });
    } catch (error) {
      // The source's time was up, not that of anybody who waits.
      throw error === deadline.reason ? postgresErrors.raise.timeout({ cause: error }) : error;
    } finally {
      deadline.end();
      if (loaded === undefined && by.lease !== undefined) void redis?.release(key, by.lease);
    }
    trust.noteAnswer(era);
    if (loaded === undefined) return undefined;
    trust.observeSource(loaded.loadedAtMs, startedAtMs);
    trust.lowerFloor(loaded, startedAtMs);
    const entry = { ...loaded, confirmedAtMs: startedAtMs, era };
    this.#store(key, entry, by.lease);
    return entry;
  }

  #store(key: string, entry: Entry<Value>, lease: string | undefined): void {
    const { trust, memory, redis, keepMs } = this.#options;
    if (!trust.admits(entry)) {
      if (lease !== undefined) void redis?.release(key, lease);
      return;
    }
    const text = JSON.stringify(entry.value);
    memory.set(key, entry, text);
    // Nobody waits for it. Redis holds it against the floor that it knows.
    void redis?.store(key, { loaded: entry, text, ttlMs: keepMs(), lease });
  }
}
