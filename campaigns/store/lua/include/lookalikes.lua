-- Mailings that would look alike in the gateway's listing: a sorted set of '<batch id>:<mailing>' by when each is
-- erased (unix ms). The same words may go to the same phone for years, so whoever adds one drops some whose time is
-- over: the set's own expiry, which each addition puts off, never comes then.

-- So many are dropped at once.
local FORGOTTEN = 100

-- Remembers `member` for `life` (ms) from `now` on.
local function remember_lookalike(key, member, now, life)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, FORGOTTEN)) do
    redis.call('ZREM', key, old)
  end
  redis.call('ZADD', key, now + life, member)
  if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, string.format('%.0f', life)) end
end
