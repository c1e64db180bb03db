import type { Registry } from 'prom-client';
import type { CacheStatistics } from '../../platform/cache/index.ts';
import { type ReadMetric, readAtScrape, type Sample } from '../../platform/telemetry/index.ts';

/** Caches by the name that they go by. */
type Caches = Readonly<Record<string, { statistics(): CacheStatistics }>>;

/** Adds the metrics of caches. */
export function createCacheMetrics(registry: Registry) {
  const define = (type: ReadMetric['type'], name: string, help: string) =>
    readAtScrape(registry, { type, name, help, labelNames: ['cache'] });
  const readings = [
    [define('counter', 'evenkeel_cache_hits_total', 'Values that were answered from the cache.'), 'hits'],
    [define('counter', 'evenkeel_cache_misses_total', 'Values that had to be loaded.'), 'misses'],
    [define('counter', 'evenkeel_cache_evictions_total', 'Values that went because there were too many.'), 'evictions'],
    [define('gauge', 'evenkeel_cache_users', 'Users of whom there are values in memory.'), 'tags'],
    [define('gauge', 'evenkeel_cache_bytes', 'Memory that the values take, estimated.'), 'sizeBytes'],
  ] as const;
  return {
    watch(caches: Caches): void {
      for (const [readFrom, value] of readings) {
        readFrom(() => Object.entries(caches).map(([cache, kept]): Sample => [kept.statistics()[value], { cache }]));
      }
    },
  };
}
