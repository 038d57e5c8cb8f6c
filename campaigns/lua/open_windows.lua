-- Writes when the windows of a campaign are open. Repeated with later openings while it goes on.
-- KEYS: 1 campaign
-- ARGV: 1 now (unused), 2 the zone of all its batches, or '' if they have several or this is only a renewal,
--       3.. zone, its openings as 'from-until,...' (unix ms), ...
-- Returns: 1 written, 0 there is no such campaign.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'zone', ARGV[2]) end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], 'open:' .. ARGV[i], ARGV[i + 1]) end
return 1
