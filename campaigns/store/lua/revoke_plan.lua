-- Sees to it that a campaign whose calls may still be on their way to the server is never stored.
-- KEYS: 1 campaign
-- ARGV: 1 now (unused), 2 for how long calls may be on their way (ms)
-- Returns: 1 nothing of it is stored, and nothing will be; 0 something of it is there.
local state = redis.call('HGET', KEYS[1], 'state')
if state then return state == 'abandoned' and 1 or 0 end
redis.call('HSET', KEYS[1], 'state', 'abandoned', 'batches', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
