import { onTestFinished } from 'vitest';
import type { CallContext } from '../../src/base/call-context.ts';
import { Deadline } from '../../src/base/deadline.ts';
import { newId } from '../../src/base/ids.ts';
import type { Clock } from '../../src/base/time.ts';
import { Timings } from '../../src/base/timings.ts';
import { Cache, type CacheOptions, type Loaded } from '../../src/platform/cache/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { postgresErrors } from '../../src/platform/postgres/index.ts';
import type { Redis } from '../../src/platform/redis/index.ts';

/** A clock that stands still until it is moved. */
export class TestClock implements Clock {
  #elapsedMs = 1_000;
  now(): Date {
    return new Date(this.#elapsedMs);
  }
  monotonicMs(): number {
    return this.#elapsedMs;
  }
  advance(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }
}

/** What stands for the database: one version of everything of a tag, and a clock of its own. */
export class TestSource {
  /** The source's clock differs from that of the process. */
  static readonly offsetMs = 1_700_000_000_000;
  readonly #clock: Clock;
  readonly versions = new Map<string, number>();
  isAway = false;
  loads = 0;
  /** Called at the beginning of each load, and before it answers. */
  beforeSnapshot: () => Promise<void> = async () => {};
  beforeAnswer: () => Promise<void> = async () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return TestSource.offsetMs + this.#clock.monotonicMs();
  }

  /** Keys are `tag/anything`; a tag without a version does not exist. */
  readonly load = async (key: string, context: CallContext): Promise<Loaded<string> | undefined> => {
    this.loads++;
    const { beforeSnapshot, beforeAnswer } = this;
    await beforeSnapshot();
    if (this.isAway) throw postgresErrors.raise.unavailable();
    const [tag = ''] = key.split('/');
    const version = this.versions.get(tag);
    const loadedAtMs = this.nowMs();
    await beforeAnswer();
    context.timings.add('sql', 1);
    return version === undefined ? undefined : { value: `${key} at ${version}`, tag, version, loadedAtMs };
  };

  /** Changes what belongs to a tag; answers its new version. */
  change(tag: string): number {
    const version = (this.versions.get(tag) ?? 0) + 1;
    this.versions.set(tag, version);
    return version;
  }
}

/** A call context whose deadline is so far away. */
export function contextOf(budgetMs = 30_000): CallContext {
  const deadline = Deadline.after(budgetMs);
  onTestFinished(() => deadline.end());
  return { deadline, timings: new Timings(), requestId: newId() };
}

export const TTL_MS = 300_000;
export const GRACE_MS = 600_000;

/** What tests may want to be different. */
type CacheChanges = Partial<Omit<CacheOptions<string>, 'redis'>> & { readonly redis?: Redis | undefined };

/** A cache of texts that hears of changes. */
export function openCache(source: TestSource, clock: Clock, { redis, ...changes }: CacheChanges = {}): Cache<string> {
  const cache = new Cache<string>({
    name: `test-${newId()}`,
    load: source.load,
    loadBudgetMs: 5_000,
    isValue: (json) => typeof json === 'string',
    ttlMs: TTL_MS,
    graceMs: GRACE_MS,
    maxEntries: 100,
    maxBytes: 1_000_000,
    clock,
    log: createLogger({ level: 'silent' }),
    isEnabled: true,
    ...(redis && { redis }),
    ...changes,
  });
  cache.restore(source.nowMs());
  return cache;
}
