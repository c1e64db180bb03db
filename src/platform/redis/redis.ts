import { hash } from 'node:crypto';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { Redis as Client } from 'ioredis';
import { inTime } from '../../base/in-time.ts';
import type { Logger } from '../log/index.ts';

/** Options of `openRedis`. */
export interface RedisOptions {
  /** A `redis://` or `rediss://` URL. */
  readonly url: string;
  /** How long a command may take, in milliseconds. */
  readonly commandTimeoutMs: number;
  /** How long Redis is left alone after a failed command, in milliseconds: 5,000. */
  readonly breakerWindowMs?: number;
  readonly log: Logger;
  /** Told when Redis is left alone, and when it is used again. */
  readonly observe?: (state: 'open' | 'closed') => void;
}

/** A Lua script; one `const` each, so that its hash is worked out once. */
export interface RedisScript {
  readonly lua: string;
  readonly sha: string;
}

/**
 * A Redis that is no trouble to its callers: no method throws, and none takes longer than the command timeout. When Redis
 * is slow, frozen, full, read-only or gone, `undefined` says that it could not be asked.
 */
export interface Redis {
  /** Whether commands are sent at the moment. */
  readonly isAvailable: boolean;
  /** The text under a key; undefined when there is none, or something that is no text. */
  get(key: string): Promise<string | undefined>;
  /** The texts under these keys, all read in one step. */
  getAll(keys: readonly string[]): Promise<(string | undefined)[] | undefined>;
  /** Writes a text that lapses after `ttlMs`, unless the key is taken; answers whether it did. */
  setIfAbsent(key: string, text: string, ttlMs: number): Promise<boolean | undefined>;
  /** Runs a script in one step; answers what it returns. */
  run(script: RedisScript, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>;
  /** Whether Redis answers. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * A frozen Redis costs one caller its command timeout in so much time; everyone else is answered at once meanwhile. Much
 * shorter, and the waits add up; much longer, and a Redis that is back stays unused.
 */
const BREAKER_WINDOW_MS = 5_000;
// A connection on which nothing came back for so long is replaced: behind a network that swallowed it, it would hang for
// the minutes that TCP tries.
const SILENCE_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** Makes a script. */
export function defineScript(lua: string): RedisScript {
  return { lua, sha: hash('sha1', lua) };
}

async function openClient(url: string): Promise<Client> {
  // Here, as most servers are started without a Redis.
  const { Redis } = await import('ioredis');
  return new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    // Nothing is kept for later or sent again: a write that comes late may undo a newer one.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2),
    // A replica since a failover: the next connection leads to the new primary.
    reconnectOnError: (error) => hasPrefix(error, 'READONLY'),
    connectionName: 'evenkeel',
  });
}

/** Opens a connection, in the background, and keeps it. */
export async function openRedis(options: RedisOptions): Promise<Redis> {
  return new GuardedRedis(await openClient(options.url), options);
}

function hasPrefix(error: unknown, prefix: string): boolean {
  return error instanceof Error && error.message.startsWith(prefix);
}

/**
 * The client behind a breaker. One failed command opens it: what a healthy Redis does in microseconds is not tried again
 * at the callers' expense. After the window one command is let through as a probe, alone; it closes the breaker or opens
 * it for another window. While there is no connection nothing is sent, and the breaker is not asked.
 */
class GuardedRedis implements Redis {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #observe: RedisOptions['observe'];
  readonly #commandTimeoutMs: number;
  readonly #breaker;
  /** When an open breaker lets a command through as a probe, on the monotonic clock. */
  #probeAtMs = 0;
  #isToldAvailable = true;
  #lastError: unknown;
  #isToldOfDatabase = false;
  #isToldOfPassword = false;

  constructor(client: Client, { commandTimeoutMs, breakerWindowMs = BREAKER_WINDOW_MS, log, observe }: RedisOptions) {
    this.#client = client;
    this.#log = log;
    this.#observe = observe;
    this.#commandTimeoutMs = commandTimeoutMs;
    // Being of the wrong type is the value's trouble, not that of Redis.
    this.#breaker = circuitBreaker(
      handleWhen((error) => !hasPrefix(error, 'WRONGTYPE')),
      // The window is kept here: cockatiel would read the wall clock, and leave Redis alone as long as that is set back.
      { halfOpenAfter: Number.NEGATIVE_INFINITY, breaker: new ConsecutiveBreaker(1) },
    );
    this.#breaker.onStateChange((state) => {
      if (state === CircuitState.Open) this.#probeAtMs = performance.now() + breakerWindowMs;
      this.#tell();
    });
    this.#client.on('error', (error) => {
      this.#lastError = error;
      this.#tellOfDatabase(error);
      this.#tellOfPassword(error);
    });
    this.#client.on('ready', () => this.#tell());
    this.#client.on('close', () => this.#tell());
    void this.#client.connect().catch(() => {});
  }

  get isAvailable(): boolean {
    return this.#client.status === 'ready' && this.#breaker.state === CircuitState.Closed;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#ask(() => this.#client.get(key))) ?? undefined;
  }

  async getAll(keys: readonly string[]): Promise<(string | undefined)[] | undefined> {
    const texts = await this.#ask(() => this.#client.mget(...keys));
    return texts?.map((text) => text ?? undefined);
  }

  async setIfAbsent(key: string, text: string, ttlMs: number): Promise<boolean | undefined> {
    const answer = await this.#ask(() => this.#client.set(key, text, 'PX', Math.ceil(ttlMs), 'NX'));
    return answer === undefined ? undefined : answer === 'OK';
  }

  async run({ lua, sha }: RedisScript, keys: readonly string[], values: readonly (string | number)[]) {
    return await this.#ask(async () => {
      try {
        return await this.#client.evalsha(sha, keys.length, ...keys, ...values);
      } catch (error) {
        // Redis does not know the script (any more), so nothing was done.
        if (!hasPrefix(error, 'NOSCRIPT')) throw error;
        return await this.#client.eval(lua, keys.length, ...keys, ...values);
      }
    });
  }

  async ping(): Promise<boolean> {
    return (await this.#ask(() => this.#client.ping())) !== undefined;
  }

  async close(): Promise<void> {
    this.#isToldAvailable = false;
    this.#client.disconnect();
  }

  async #ask<Answer>(command: () => Promise<Answer>): Promise<Answer | undefined> {
    const { state } = this.#breaker;
    // Also while a probe is under way: one that waits is enough.
    if (this.#client.status !== 'ready' || state === CircuitState.HalfOpen) return undefined;
    if (state === CircuitState.Open && performance.now() < this.#probeAtMs) return undefined;
    try {
      // Not by the client's own bound: that one tells a process which stood still for longer that Redis did not answer.
      return await this.#breaker.execute(() => this.#noteError(inTime(this.#commandTimeoutMs, command())));
    } catch {
      return undefined;
    }
  }

  /** Before the breaker opens, and with that tells the log why. */
  async #noteError<Answer>(answer: Promise<Answer>): Promise<Answer> {
    try {
      return await answer;
    } catch (error) {
      this.#lastError = error;
      throw error;
    }
  }

  /** Says in the log, once, when Redis refuses our database: ioredis goes on without a word, in database 0. */
  #tellOfDatabase(error: Error & { command?: { name: string } }): void {
    if (error.command?.name !== 'select' || this.#isToldOfDatabase) return;
    this.#isToldOfDatabase = true;
    const { db: database } = this.#client.options;
    this.#log.warn({ err: error, database }, 'Redis refuses the database of its URL, and database 0 is used instead');
  }

  /**
   * Says, once until Redis is used again, that it refuses us: of a password that was changed while we run, the end of the
   * connection is heard first, and told of without a reason.
   */
  #tellOfPassword(error: Error): void {
    if (!hasPrefix(error, 'NOAUTH') && !hasPrefix(error, 'WRONGPASS')) return;
    if (!this.#isToldOfPassword) this.#log.warn({ err: error }, 'Redis refuses the user or the password of its URL');
    this.#isToldOfPassword = true;
  }

  /** Says when Redis goes away and when it is back, once each. */
  #tell(): void {
    if (this.isAvailable === this.#isToldAvailable) return;
    this.#isToldAvailable = this.isAvailable;
    this.#observe?.(this.isAvailable ? 'closed' : 'open');
    if (!this.isAvailable) {
      this.#log.warn({ err: this.#lastError }, 'Redis does not answer in time and is left alone for now');
      return;
    }
    // The next trouble is another one.
    this.#lastError = undefined;
    this.#isToldOfPassword = false;
    this.#log.info('Redis is used again');
  }
}
