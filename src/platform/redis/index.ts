export { inspectRedis, type RedisState } from './inspect-redis.ts';
export { defineScript, openRedis, type Redis, type RedisOptions, type RedisScript } from './redis.ts';
