-- Writes what keeps batches of a campaign back: when its windows are open, and how many batches go out before the others.
-- Openings are written again, with later ones, while it goes on.
-- KEYS: 1 campaign
-- ARGV: 1 now (unused), 2 the zone of all its batches, or '' if they have several or this is no news, 3 number of batches
--       of its canary, or '' if it has none or this is no news, 4.. zone, its openings as 'from-until,...' (unix ms), ...
-- Returns: 1 written, 0 there is no such campaign.
-- @include head
local campaign_key = KEYS[1]
if redis.call('EXISTS', campaign_key) == 0 then return 0 end
if ARGV[2] ~= '' then redis.call('HSET', campaign_key, 'zone', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', campaign_key, 'canary', ARGV[3]) end
for i = 4, #ARGV, 2 do redis.call('HSET', campaign_key, 'open:' .. ARGV[i], ARGV[i + 1]) end
return 1
