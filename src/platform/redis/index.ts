export { defineScript, openRedis, type Redis, type RedisOptions, type RedisScript } from './redis.ts';
