export { Cache, type CacheOptions, type CacheStatistics, MAX_TTL_MS } from './cache.ts';
export type { Load, Loaded } from './entry.ts';
