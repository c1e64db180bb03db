import { LRUCache } from 'lru-cache';
import type { Clock } from '../../base/time.ts';

/** A value that may be kept: for how long, and how it is loaded. */
export interface CachedRead<Value> {
  /** What it is, among the values of its owner. */
  readonly name: string;
  readonly ttlMs: number;
  load(): Promise<Value>;
}

interface Kept {
  readonly value: unknown;
  readonly untilMs: number;
  readonly era: object;
}

/** About 64 MB of text; beyond it what was not asked for longest goes. */
const MAX_CHARS = 32_000_000;
/** Owners whose values are known to be good. One that is forgotten loads anew. */
const MAX_OWNERS = 50_000;

/**
 * What assistants keep in memory of what they read for a user. The owner of a value is an assistant and a user together;
 * all of it is forgotten at once. What an owner has is of one era, which ends when the owner's values are forgotten: a
 * value whose load began before is never kept.
 *
 * It keeps nothing until `restore` is called, nor after `lose`: while what other servers write is not heard of.
 */
export class UserCache {
  readonly #clock: Clock;
  readonly #kept = new LRUCache<string, Kept>({ maxSize: MAX_CHARS });
  readonly #eras = new LRUCache<string, object>({ max: MAX_OWNERS });
  #isHearing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The value, in memory or loaded. Everybody is given the same object. @throws what the load throws. */
  async read<Value>(owner: string, { name, ttlMs, load }: CachedRead<Value>): Promise<Value> {
    if (!this.#isHearing) return await load();
    const era = this.#eras.get(owner) ?? {};
    const key = `${owner} ${name}`;
    const kept = this.#kept.get(key);
    if (kept?.era === era && this.#clock.monotonicMs() < kept.untilMs) return kept.value as Value;
    this.#eras.set(owner, era);
    const value = await load();
    if (this.#eras.get(owner) === era) {
      const untilMs = this.#clock.monotonicMs() + ttlMs;
      this.#kept.set(key, { value, untilMs, era }, { size: key.length + (JSON.stringify(value)?.length ?? 0) });
    }
    return value;
  }

  /** Something of the owner's has changed. */
  forget(owner: string): void {
    this.#eras.delete(owner);
  }

  /** What other servers write is no longer heard of. */
  lose(): void {
    this.#isHearing = false;
    this.#eras.clear();
  }

  /** What other servers write is heard of from now on. */
  restore(): void {
    this.#isHearing = true;
  }
}
