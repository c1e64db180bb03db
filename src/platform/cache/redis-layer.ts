import { hash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineScript, type Redis } from '../redis/index.ts';
import type { Loaded } from './entry.ts';

/** What the layer needs. */
export interface RedisLayerOptions<Value> {
  readonly redis: Redis;
  readonly name: string;
  /** Whether something that was read is such a value. */
  readonly isValue: (json: unknown) => json is Value;
}

/** A value to be stored. */
export interface StoreOrder<Value> {
  readonly loaded: Loaded<Value>;
  /** The value as JSON. */
  readonly text: string;
  readonly ttlMs: number;
  readonly lease: string | undefined;
}

/** Values of another format are a miss; raise it when the meaning of a stored value changes. */
const FORMAT = 2;

// Longer than a load takes when all is well; then others stop waiting for a holder that died.
const LEASE_MS = 2_000;
// A far database and a busy holder fit in; who waited in vain loads by itself.
const LEASE_WAIT_MS = 500;
const LEASE_POLL_MS = 20;

/** Stores a value unless its tag has a higher floor, notes it among those of its tag, and gives the lease back. */
const storeScript = defineScript(`
  local text = redis.call('type', KEYS[2]).ok == 'string' and redis.call('get', KEYS[2])
  local floor = text and tonumber(string.match(text, '^%d+$')) or 0
  if tonumber(ARGV[2]) >= floor then
    redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[3])
    redis.pcall('sadd', KEYS[4], KEYS[1])
    redis.call('pexpire', KEYS[4], ARGV[3])
  end
  if redis.call('get', KEYS[3]) == ARGV[4] then redis.call('del', KEYS[3]) end`);

const releaseScript = defineScript(`
  if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end`);

/** What is below a floor is refused wherever it is found; it goes, so that nothing is left of a user who was erased. */
const raiseFloorScript = defineScript(`
  local text = redis.call('type', KEYS[1]).ok == 'string' and redis.call('get', KEYS[1])
  local floor = text and tonumber(string.match(text, '^%d+$')) or 0
  if tonumber(ARGV[1]) > floor then
    redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
    for _, value in ipairs(redis.pcall('smembers', KEYS[2])) do redis.call('del', value) end
    redis.call('del', KEYS[2])
  end
  return 1`);

/**
 * The values that all processes share. Nothing here throws or waits for long: a Redis in trouble is an empty one. Keys hold
 * a hash of the cache's key, never the key.
 */
export class RedisLayer<Value> {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #isValue: (json: unknown) => json is Value;

  constructor({ redis, name, isValue }: RedisLayerOptions<Value>) {
    this.#redis = redis;
    this.#prefix = `evenkeel:${name}:`;
    this.#isValue = isValue;
  }

  /** The value of a key. Whatever is not one of ours, in this format, is a miss. */
  async find(key: string): Promise<Loaded<Value> | undefined> {
    return this.#parse(await this.#redis.get(this.#key('value', key)));
  }

  async store(key: string, { loaded, text, ttlMs, lease }: StoreOrder<Value>): Promise<void> {
    const { tag, version, loadedAtMs } = loaded;
    const envelope = `[${FORMAT},${loadedAtMs},${JSON.stringify(tag)},${version},${text}]`;
    const keys = [
      this.#key('value', key),
      this.#tagKey('floor', tag),
      this.#key('lease', key),
      this.#tagKey('values', tag),
    ];
    await this.#redis.run(storeScript, keys, [envelope, version, Math.ceil(ttlMs), lease ?? '']);
  }

  /**
   * Asks for the right to load a key, which one process has at a time. The lease is a token to give back; undefined when
   * another has it, which is told, or Redis cannot tell.
   */
  async claim(key: string): Promise<{ lease: string | undefined; isTaken: boolean }> {
    const token = randomUUID();
    const isOurs = await this.#redis.setIfAbsent(this.#key('lease', key), token, LEASE_MS);
    return { lease: isOurs ? token : undefined, isTaken: isOurs === false };
  }

  /** Waits a little for another process to store a value that `take` takes, and no longer than that process has the lease. */
  async waitFor<Taken>(key: string, take: (found: Loaded<Value>) => Taken | undefined): Promise<Taken | undefined> {
    const keys = [this.#key('value', key), this.#key('lease', key)];
    const endsAtMs = performance.now() + LEASE_WAIT_MS;
    while (performance.now() < endsAtMs) {
      await sleep(LEASE_POLL_MS);
      // Both at once: a value is stored in the step that gives the lease back.
      const [text, lease] = (await this.#redis.getAll(keys)) ?? [];
      const found = this.#parse(text);
      const taken = found && take(found);
      if (taken !== undefined || lease === undefined) return taken;
    }
    return undefined;
  }

  async release(key: string, lease: string): Promise<void> {
    await this.#redis.run(releaseScript, [this.#key('lease', key)], [lease]);
  }

  /** Raises the floor of a tag, and removes what is stored under it. Whether Redis answered. */
  async raiseFloor(tag: string, version: number, ttlMs: number): Promise<boolean> {
    const keys = [this.#tagKey('floor', tag), this.#tagKey('values', tag)];
    const answer = await this.#redis.run(raiseFloorScript, keys, [version, Math.ceil(ttlMs)]);
    return answer !== undefined;
  }

  /** The floor of a tag; 0 when there is none, or Redis cannot tell. */
  async readFloor(tag: string): Promise<number> {
    return Number(await this.#redis.get(this.#tagKey('floor', tag))) || 0;
  }

  #key(kind: 'value' | 'lease', key: string): string {
    return `${this.#prefix}${kind}:${hash('sha256', key, 'base64url')}`;
  }

  #tagKey(kind: 'floor' | 'values', tag: string): string {
    return `${this.#prefix}${kind}:${tag}`;
  }

  #parse(text: string | undefined): Loaded<Value> | undefined {
    if (text === undefined) return undefined;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return undefined;
    }
    if (!Array.isArray(json) || json.length !== 5 || json[0] !== FORMAT) return undefined;
    const [, loadedAtMs, tag, version, value] = json as unknown[];
    if (typeof tag !== 'string' || !Number.isSafeInteger(version) || !Number.isSafeInteger(loadedAtMs))
      return undefined;
    if (!this.#isValue(value)) return undefined;
    return { value, tag, version: version as number, loadedAtMs: loadedAtMs as number };
  }
}
