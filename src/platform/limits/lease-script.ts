import { defineScript } from '../redis/index.ts';

/**
 * Leases points of several counts in one step, for so many requests (the first value) that each need one of every count.
 * For each key: the lessee, the points that it knows to have leased, those that it has used, the block that is taken where
 * there is plenty, the limit, and how long the count is kept, in milliseconds. Answers for each the points that the lessee
 * has leased by now, and those that all together have.
 *
 * What was used counts as leased, whatever the limit says. Values and answers are totals, so that a lease may be done
 * without its answer being heard, or late, or after the next one: nothing is counted twice, and points that were granted
 * unheard are there for the next. A lessee that knows of more than Redis does tells it of a count that was lost: by a Redis
 * that was restarted, say. What is no count, under the key of one, is removed.
 *
 * No count gives more than the others let be used, but for blocks. Those are at most a tenth of what is left, so that near
 * the limit servers take what they need and no more.
 *
 * A count is kept for as long as anybody said: a server whose clock is ahead would have it lapse in the midst of its window.
 */
export const leaseScript = defineScript(`
  local need = tonumber(ARGV[1])
  local counts = {}
  for i, key in ipairs(KEYS) do
    local at = (i - 1) * 6 + 2
    local lessee, used, limit = ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
    local kind = redis.call('type', key).ok
    if kind ~= 'hash' and kind ~= 'none' then redis.call('del', key) end
    local stored = redis.call('hmget', key, 'total', lessee)
    local before = tonumber(stored[2]) or 0
    local leased = math.max(before, tonumber(ARGV[at + 1]), used)
    local total = (tonumber(stored[1]) or 0) + leased - before
    local spare = math.max(0, math.min(leased, limit) - used)
    local room = math.max(0, limit - total)
    need = math.min(need, spare + room)
    counts[i] = {
      key = key, lessee = lessee, before = before, leased = leased, total = total, spare = spare, room = room,
      block = tonumber(ARGV[at + 3]), keptMs = tonumber(ARGV[at + 5]),
    }
  end
  local answer = {}
  for _, c in ipairs(counts) do
    local granted = 0
    if need > c.spare then
      granted = math.min(c.room, math.max(need - c.spare, math.min(c.block, math.floor(c.room / 10))))
    end
    local leased, total = c.leased + granted, c.total + granted
    if leased > c.before then
      redis.call('hset', c.key, 'total', string.format('%d', total), c.lessee, string.format('%d', leased))
      if redis.call('pttl', c.key) < c.keptMs then redis.call('pexpire', c.key, c.keptMs) end
    end
    answer[#answer + 1] = leased
    answer[#answer + 1] = total
  end
  return answer`);
