import { randomUUID } from 'node:crypto';
import type { Redis } from '../redis/index.ts';
import { defineScript } from '../redis/index.ts';

/** A beat is also what finds out that Redis is back; a second keeps well within the six that this may take. */
const BEAT_MS = 1_000;
/** A server that has been silent for so long is not counted. */
const SILENCE_MS = 5_000;
const KEY = 'evenkeel:instances';

/** Says that this server lives, and answers how many do and the place of this one among them, by Redis' own clock. */
const beatScript = defineScript(`
  local time = redis.call('time')
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('zremrangebyscore', KEYS[1], '-inf', nowMs - ARGV[2])
  redis.call('zadd', KEYS[1], nowMs, ARGV[1])
  redis.call('pexpire', KEYS[1], ARGV[2] * 2)
  local place = 0
  for _, id in ipairs(redis.call('zrange', KEYS[1], 0, -1)) do
    if id < ARGV[1] then place = place + 1 end
  end
  return { redis.call('zcard', KEYS[1]), place }`);

const leaveScript = defineScript(`return redis.call('zrem', KEYS[1], ARGV[1])`);

/** Counts the servers that share a Redis. While it is away, the last number known stands. */
export class LiveInstances {
  readonly #redis: Redis;
  readonly #onBeat: (() => void)[] = [];
  readonly #id = randomUUID();
  #count = 1;
  #place = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Has a listener called at each beat that Redis answers. */
  onBeat(listener: () => void): void {
    this.#onBeat.push(listener);
  }

  /** How many servers live, this one included. */
  get count(): number {
    return this.#count;
  }

  /** This server's part of a limit: the parts of all servers add up to it. */
  shareOf(limit: number): number {
    return Math.floor(limit / this.#count) + (this.#place < limit % this.#count ? 1 : 0);
  }

  start(): void {
    this.#timer = setInterval(() => void this.beat(), BEAT_MS).unref();
    void this.beat();
  }

  /** Says once that this server lives. */
  async beat(): Promise<void> {
    const answer = await this.#redis.run(beatScript, [KEY], [this.#id, SILENCE_MS]);
    if (!Array.isArray(answer)) return;
    this.#count = Math.max(1, Number(answer[0]) || 1);
    this.#place = Number(answer[1]) || 0;
    for (const listener of this.#onBeat) listener();
  }

  /** Takes this server off the count. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#redis.run(leaveScript, [KEY], [this.#id]);
  }
}
