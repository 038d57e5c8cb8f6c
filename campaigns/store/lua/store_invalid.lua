-- Stores a job that arrived as a message and breaks rules: state invalid, its error tree, an event.
-- KEYS: 1 campaign, 2 events, 3 active, 4 index
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 errors (JSON), 4.. field, value, ...
-- Returns: 1 (a repeated call changes nothing).
local now = clock(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'state', 'invalid', 'errors', ARGV[3], 'created_ms', now, 'ended_ms', now,
  'batches', 0, 'r:total', 0)
redis.call('SADD', KEYS[3], ARGV[2])
redis.call('ZADD', KEYS[4], now, ARGV[2])
emit(KEYS[2], KEYS[1], ARGV[2], 'campaign.invalid', ARGV[2], '{"errors":' .. ARGV[3] .. '}', now)
return 1
