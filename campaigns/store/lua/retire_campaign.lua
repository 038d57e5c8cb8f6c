-- Stops sweeping a campaign that is over, unless a person has reopened it meanwhile.
-- KEYS: 1 campaign, 2 active
-- ARGV: 1 now (unused), 2 campaign id
-- Returns: 1 it is not swept any more, 0 it is not over.
local state = redis.call('HGET', KEYS[1], 'state')
for _, open in ipairs({'planning', 'ready', 'paused', 'cancelling'}) do
  if state == open then return 0 end
end
redis.call('SREM', KEYS[2], ARGV[2])
return 1
