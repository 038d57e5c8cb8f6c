-- Makes a campaign that has batches which were never handed out due, unless it is due or stands in the order already.
-- KEYS: 1 due set in which its batches are sent, 2 accounts of that queue, 3 order of its account there
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 account
-- Returns: 1 it stood nowhere, 0 it did.
-- @include due
local now = clock(ARGV[1])
local entry = 'campaign|' .. ARGV[2]
local there = redis.call('ZSCORE', KEYS[3], ARGV[2]) or redis.call('ZSCORE', KEYS[1], entry)
  or redis.call('ZSCORE', KEYS[1], 'at|' .. ARGV[2])
if there then
  -- The account may have been lost from its set.
  redis.call('ZADD', KEYS[2], 'LT', math.max(now, tonumber(redis.call('ZSCORE', KEYS[1], entry) or
    redis.call('ZSCORE', KEYS[1], 'at|' .. ARGV[2]) or now)), ARGV[3])
  return 0
end
schedule(KEYS[1], KEYS[2], ARGV[3], entry, now)
return 1
