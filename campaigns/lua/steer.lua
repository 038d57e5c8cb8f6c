-- Pauses, resumes or cancels a campaign.
-- KEYS: 1 campaign, 2 events
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 allowed states as ',a,b,', 4 new state, 5 type of the event, 6 data (JSON object)
-- Returns: {1, state before} changed; {2, state} it was there already; {0, state} not possible.
local now = clock(ARGV[1])
local state = redis.call('HGET', KEYS[1], 'state') or ''
if state == ARGV[4] then return {2, state} end
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) then return {0, state} end
redis.call('HSET', KEYS[1], 'state', ARGV[4])
emit(KEYS[2], KEYS[1], ARGV[2], ARGV[5], ARGV[2], merged('"from":"' .. state .. '"', ARGV[6]), now)
conclude(KEYS[1], KEYS[2], ARGV[2], now)
return {1, state}
