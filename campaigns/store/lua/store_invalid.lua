-- Stores a job that arrived as a message and breaks rules: state invalid, its error tree, an event.
-- KEYS: 1 campaign, 2 events, 3 active, 4 index
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 errors (JSON), 4.. field, value, ...
-- Emits: campaign.invalid.
-- Moves: campaign nothing → invalid.
-- Returns: 1 (a repeated call changes nothing).
-- @include clock, event
local campaign_key, events, active, index = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
if redis.call('EXISTS', campaign_key) == 1 then return 1 end
for i = 4, #ARGV, 2 do redis.call('HSET', campaign_key, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', campaign_key, 'state', 'invalid', 'errors', ARGV[3], 'created_ms', now, 'ended_ms', now,
  'batches', 0, 'r:total', 0)
redis.call('SADD', active, ARGV[2])
redis.call('ZADD', index, now, ARGV[2])
emit(events, campaign_key, ARGV[2], 'campaign.invalid', ARGV[2], '{"errors":' .. ARGV[3] .. '}', now)
return 1
