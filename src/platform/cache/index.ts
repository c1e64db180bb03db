export { type Cache, type CacheOptions, type CacheStatistics, createCache, MAX_TTL_MS } from './cache.ts';
export type { Load, Loaded } from './entry.ts';
