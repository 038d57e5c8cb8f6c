-- Records what the gateway says a mailing cost. A later figure replaces an earlier one.
-- KEYS: 1 batch, 2 campaign
-- ARGV: 1 now (unused), 2 number of the mailing, 3 cost in millionths, 4 currency
-- Returns: the campaign's cost in millionths.
local before = tonumber(redis.call('HGET', KEYS[1], 'cost:' .. ARGV[2]) or '0')
redis.call('HSET', KEYS[1], 'cost:' .. ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], 'currency', ARGV[4])
return redis.call('HINCRBY', KEYS[2], 'cost', tonumber(ARGV[3]) - before)
