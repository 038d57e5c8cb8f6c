-- Stops sweeping a campaign that is over, unless it was reopened meanwhile.
-- KEYS: 1 campaign, 2 active
-- ARGV: 1 now (unused), 2 campaign id
-- Returns: 1 it is not swept any more, 0 it is not over.
-- @include head
local campaign_key, active = KEYS[1], KEYS[2]
local state = redis.call('HGET', campaign_key, 'state')
for _, open in ipairs({'planning', 'draft', 'ready', 'paused', 'cancelling'}) do
  if state == open then return 0 end
end
redis.call('SREM', active, ARGV[2])
return 1
