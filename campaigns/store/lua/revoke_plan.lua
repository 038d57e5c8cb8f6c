-- Makes sure that a campaign whose calls may still be on their way to the server is never stored.
-- KEYS: 1 campaign
-- ARGV: 1 now (unused), 2 for how long calls may be on their way (ms)
-- Moves: campaign nothing → abandoned.
-- Returns: 1 nothing of it is stored, and nothing will be; 0 something of it is there.
-- @include head
local campaign_key = KEYS[1]
local state = redis.call('HGET', campaign_key, 'state')
if state then return state == 'abandoned' and 1 or 0 end
redis.call('HSET', campaign_key, 'state', 'abandoned', 'batches', 0)
redis.call('PEXPIRE', campaign_key, ARGV[2])
return 1
