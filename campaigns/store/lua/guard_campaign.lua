-- Writes what holds batches of a campaign back: the openings of its windows, and the number of batches of its canary.
-- Sweeping writes later openings while the campaign lasts.
-- KEYS: 1 campaign
-- ARGV: 1 now (unused), 2 the zone of all its batches, or '' if they have several or it stays, 3 number of batches of
--       its canary, or '' if it has none or it stays, 4.. zone, its openings as 'from-until,...' (unix ms), ...
-- Returns: 1 written, 0 the campaign does not exist.
-- @include head
local campaign_key = KEYS[1]
if redis.call('EXISTS', campaign_key) == 0 then return 0 end
if ARGV[2] ~= '' then redis.call('HSET', campaign_key, 'zone', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', campaign_key, 'canary', ARGV[3]) end
for i = 4, #ARGV, 2 do redis.call('HSET', campaign_key, 'open:' .. ARGV[i], ARGV[i + 1]) end
return 1
