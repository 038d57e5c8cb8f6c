-- Mailings that a listing of the gateway could not tell apart: a sorted set of '<batch id>:<mailing>' by when each
-- expires (unix ms). The same text may go to the same phone for years, and each addition puts off the expiry of the set
-- itself: so each addition drops some expired members.

-- Most members that one addition drops.
local MOST_DROPPED = 100
-- What PTTL answers then.
local NO_SUCH_KEY = -2

-- Adds `member` for `life` (ms) from `now` on.
local function remember_lookalike(key, member, now, life)
  local left = redis.call('PTTL', key)
  if left ~= NO_SUCH_KEY then
    for _, old in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, MOST_DROPPED)) do
      redis.call('ZREM', key, old)
    end
  end
  redis.call('ZADD', key, now + life, member)
  if left < life then redis.call('PEXPIRE', key, string.format('%.0f', life)) end
end
