-- Sets the idle time of the entries that a member of a group holds. 0 keeps them from other members; more than the
-- others wait for a dead member hands them over. The numbers of deliveries stay as they are.
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
