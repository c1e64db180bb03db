import { defineScript } from '../../platform/redis/index.ts';

/**
 * Reserves tokens, unless all of the limit is used or reserved. Keys: the tokens used, the reservations by id. Values: the
 * reservation's id and tokens, the limit, the tokens used and those reserved as far as the server knows, and how long the
 * reservation and the count of used tokens are kept at most, in milliseconds; then the ids of reservations that are over.
 * Answers whether it was reserved and the tokens used. What the server knows counts where Redis has lost it, or was away when
 * it was reserved.
 *
 * A reservation that nobody settles, for its server died, is void when its time is over.
 */
export const reserveScript = defineScript(`
  local time = redis.call('time')
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  local used = math.max(tonumber(redis.call('get', KEYS[1]) or '0') or 0, tonumber(ARGV[4]))
  for i = 8, #ARGV do redis.call('hdel', KEYS[2], ARGV[i]) end
  local reserved = 0
  local held = redis.call('hgetall', KEYS[2])
  for i = 1, #held, 2 do
    local tokens, untilMs = string.match(held[i + 1], '^(%d+):(%d+)$')
    if tokens == nil or tonumber(untilMs) < nowMs then
      redis.call('hdel', KEYS[2], held[i])
    else
      reserved = reserved + tonumber(tokens)
    end
  end
  reserved = math.max(reserved, tonumber(ARGV[5]))
  redis.call('set', KEYS[1], string.format('%d', used), 'px', ARGV[7])
  if used + reserved >= tonumber(ARGV[3]) then return { 0, used } end
  redis.call('hset', KEYS[2], ARGV[1], string.format('%d:%d', tonumber(ARGV[2]), nowMs + tonumber(ARGV[6])))
  redis.call('pexpire', KEYS[2], ARGV[6])
  return { 1, used }`);

/**
 * Ends reservations, and counts what was used in their stead. Keys as above; values: the tokens used, those used before as far
 * as the server knows, how long the count is kept at most, in milliseconds; then the ids. Answers 1.
 *
 * What was used counts whether or not Redis holds the reservation, for it may have been away when that was made. So a use is to
 * be sent once only; to end reservations, and to say what the server knows, any number of times.
 */
export const settleScript = defineScript(`
  for i = 4, #ARGV do redis.call('hdel', KEYS[2], ARGV[i]) end
  local used = math.max(tonumber(redis.call('get', KEYS[1]) or '0') or 0, tonumber(ARGV[2])) + tonumber(ARGV[1])
  redis.call('set', KEYS[1], string.format('%d', used), 'px', ARGV[3])
  return 1`);
