-- Lets what a member of a group holds look as if it had been taken `idle` milliseconds ago: 0 keeps it from others,
-- more than they wait for a dead member hands it to them. How often each was begun stays as it is.
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 member, 4 idle (ms), 5 most entries
-- Returns: the positions that it holds, oldest first.
-- @include head
local events = KEYS[1]
local group, member, idle_ms, most = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local positions = {}
for _, pending in ipairs(redis.call('XPENDING', events, group, '-', '+', most, member)) do
  positions[#positions + 1] = pending[1]
  redis.call('XCLAIM', events, group, member, 0, pending[1], 'IDLE', idle_ms, 'JUSTID')
end
return positions
