-- Makes a campaign that has batches which were never handed out due, unless it is due or stands in the order already.
-- KEYS: 1 due set in which its batches are sent, 2 accounts of that queue, 3 order of its account there
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 account
-- Returns: 1 it stood nowhere, 0 it did.
-- @include clock, due
local due, accounts, order = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
local entry = 'campaign|' .. ARGV[2]
local there = redis.call('ZSCORE', order, ARGV[2]) or redis.call('ZSCORE', due, entry)
  or redis.call('ZSCORE', due, 'at|' .. ARGV[2])
if there then
  -- The account may have been lost from its set.
  redis.call('ZADD', accounts, 'LT', math.max(now, tonumber(redis.call('ZSCORE', due, entry) or
    redis.call('ZSCORE', due, 'at|' .. ARGV[2]) or now)), ARGV[3])
  return 0
end
schedule(due, accounts, ARGV[3], entry, now)
return 1
