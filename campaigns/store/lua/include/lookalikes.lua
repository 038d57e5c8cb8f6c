-- Mailings that a listing of the gateway could not tell apart: a sorted set of '<batch id>:<mailing>' by when each
-- expires (unix ms). The same text may go to the same phone for years, and each addition puts off the expiry of the set
-- itself: so each addition drops some expired members.

-- Most members that one addition drops.
local MOST_DROPPED = 100

-- Adds `member` for `life` (ms) from `now` on.
local function remember_lookalike(key, member, now, life)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, MOST_DROPPED)) do
    redis.call('ZREM', key, old)
  end
  redis.call('ZADD', key, now + life, member)
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, string.format('%.0f', life)) end
end
