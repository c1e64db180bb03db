import { defineScript } from '../redis/index.ts';

/**
 * Leases points of several counts in one step, for so many requests (the first value) that each need one of every count.
 * For each key: the points that the server leased before, the debt to be added whatever the limit says, the points that it
 * has to spare, the block that is taken where there is plenty, the limit, and how long the count is kept, in milliseconds.
 * Answers for each the points granted and the count. A count below what the server leased was lost: by a Redis that was
 * restarted, say.
 *
 * No count gives more than the others let be used, but for blocks. Those are at most a tenth of what is left, so that near
 * the limit servers take what they need and no more.
 */
export const leaseScript = defineScript(`
  local need = tonumber(ARGV[1])
  local counts = {}
  for i, key in ipairs(KEYS) do
    local at = (i - 1) * 6 + 2
    local spare, block = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local stored = tonumber(redis.call('get', key) or '0') or 0
    local count = math.max(stored, tonumber(ARGV[at])) + tonumber(ARGV[at + 1])
    local room = math.max(0, tonumber(ARGV[at + 4]) - count)
    need = math.min(need, spare + room)
    counts[i] = { key = key, stored = stored, spare = spare, block = block, count = count, room = room, keptMs = ARGV[at + 5] }
  end
  local answer = {}
  for _, c in ipairs(counts) do
    local granted = 0
    if need > c.spare then
      granted = math.min(c.room, math.max(need - c.spare, math.min(c.block, math.floor(c.room / 10))))
    end
    if c.count + granted > c.stored then redis.call('set', c.key, string.format('%d', c.count + granted), 'px', c.keptMs) end
    answer[#answer + 1] = granted
    answer[#answer + 1] = c.count + granted
  end
  return answer`);
