-- Writes fields of a batch that its worker still owns, such as the id of a list mailing before it is confirmed.
-- KEYS: 1 batch, 2 campaign
-- ARGV: 1 now (ms or 0), 2 state that the batch must have, 3 fence that it must have, 4 number of recipients, or '' to
--       leave it; that of an accepted batch only grows, as an older answer may be late, 5.. field, value ('now' is
--       replaced by the time)
-- Returns: {1, now} written; {0, now, state} the batch is not the caller's any more.
-- @include clock, counters
local batch_key, campaign_key = KEYS[1], KEYS[2]
local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'state', 'fence', 'n')
if batch[1] ~= ARGV[2] or batch[2] ~= ARGV[3] then return {0, now, batch[1] or ''} end
for i = 5, #ARGV, 2 do
  redis.call('HSET', batch_key, ARGV[i], ARGV[i + 1] == 'now' and now or ARGV[i + 1])
end
if ARGV[4] ~= '' then
  local more = tonumber(ARGV[4]) - tonumber(batch[3])
  if batch[1] == 'accepted' and more < 0 then return {1, now} end
  redis.call('HSET', batch_key, 'n', ARGV[4])
  redis.call('HINCRBY', campaign_key, 'r:total', more)
  redis.call('HINCRBY', campaign_key, 'r:' .. batch[1], more)
  if more > 0 then tally_move(campaign_key, 0, more, '', batch[1])
  else tally_move(campaign_key, 0, 0 - more, batch[1], '') end
end
return {1, now}
