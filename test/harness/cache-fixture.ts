import { beforeEach } from 'vitest';
import type { CallContext } from '../../src/base/call-context.ts';
import { newId } from '../../src/base/ids.ts';
import type { Clock } from '../../src/base/time.ts';
import { Cache, type CacheOptions, type Loaded } from '../../src/platform/cache/index.ts';
import { postgresErrors } from '../../src/platform/postgres/index.ts';
import { TestClock } from './test-clock.ts';
import { testContext } from './test-context.ts';

/** What stands for the database: one version of everything of a tag, and a clock of its own. */
export class TestSource {
  /** The source's clock differs from that of the process. */
  static readonly offsetMs = 1_700_000_000_000;
  readonly #clock: Clock;
  readonly versions = new Map<string, number>();
  isAway = false;
  loads = 0;
  /** By how much its clock was set. */
  setByMs = 0;
  /** Called at the beginning of each load, and before it answers. */
  beforeSnapshot: () => Promise<void> = async () => {};
  beforeAnswer: () => Promise<void> = async () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return TestSource.offsetMs + this.setByMs + this.#clock.monotonicMs();
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

/** Gives the test file that calls it a source, which each test finds as it is at first, with one user: ann, at version 1. */
export function useTestSource(): { clock: TestClock; source: TestSource } {
  const clock = new TestClock();
  const source = new TestSource(clock);
  beforeEach(() => {
    source.versions.clear();
    source.change('ann');
    const steps = { beforeSnapshot: async () => {}, beforeAnswer: async () => {} };
    Object.assign(source, { isAway: false, loads: 0, setByMs: 0, ...steps });
  });
  return { clock, source };
}

export const TTL_MS = 300_000;
export const GRACE_MS = 600_000;

/** What tests may want to be different. */
type CacheChanges = Partial<CacheOptions<string>>;

/** A cache of texts that hears of no changes. */
export function openDeafCache(source: TestSource, clock: Clock, changes: CacheChanges = {}): Cache<string> {
  return new Cache<string>({
    name: `test-${newId()}`,
    load: source.load,
    loadBudgetMs: 5_000,
    isValue: (json) => typeof json === 'string',
    ttlMs: TTL_MS,
    graceMs: GRACE_MS,
    maxEntries: 100,
    maxBytes: 1_000_000,
    clock,
    isEnabled: true,
    ...changes,
  });
}

/** A cache of texts that hears of changes. */
export function openCache(source: TestSource, clock: Clock, changes: CacheChanges = {}): Cache<string> {
  const cache = openDeafCache(source, clock, changes);
  cache.restore(source.nowMs());
  return cache;
}

/** Asks as a caller who has time. */
export const ask = (cache: Cache<string>, key = 'ann/1') => cache.get(key, testContext());

/** What is thrown while the source is away. */
export const unavailable = { code: 'postgres.unavailable', status: 503 };
