-- Lets one process, and no other, change what is counted of a batch for the frequency cap.
-- KEYS: 1 batch
-- ARGV: 1 now (unused), 2 op (random, names the process), 3 states that the batch may have, as ',a,b,'
-- Returns: 1 it may, 0 the batch has another state.
-- @include head
local batch_key = KEYS[1]
local batch = redis.call('HMGET', batch_key, 'state', 'counted')
if not batch[1] or not string.find(ARGV[3], ',' .. batch[1] .. ',', 1, true) then return 0 end
-- From here on it cannot be claimed before its messages are counted again.
if batch[2] then
  redis.call('HSET', batch_key, 'count_from', batch[2])
  redis.call('HDEL', batch_key, 'counted', 'counted_until_ms')
end
redis.call('HSET', batch_key, 'count_op', ARGV[2])
return 1
