export { inspectRedis, type RedisState } from './inspect-redis.ts';
export { defineScript, openRedis, type Redis } from './redis.ts';
