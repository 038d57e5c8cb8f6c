-- Records that what is counted of a batch is as it must be.
-- KEYS: 1 batch
-- ARGV: 1 now (unused), 2 op that has counted it, 3 what is counted now (see `Keys.batch`, field `counted`), or ''
-- Returns: 1 recorded, 0 another process has begun, or it was recorded already.
-- @include head, end_counting
local batch_key = KEYS[1]
if redis.call('HGET', batch_key, 'count_op') ~= ARGV[2] then return 0 end
end_counting(batch_key)
if ARGV[3] ~= '' then redis.call('HSET', batch_key, 'counted', ARGV[3]) end
return 1
