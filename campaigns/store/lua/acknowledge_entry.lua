-- Acknowledges an entry that a member of a group has worked off, if it is still this member's.
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 member, 4 position
-- Returns: 1 acknowledged, 0 another member has it meanwhile, or nobody has.
-- @include head, holding
local events = KEYS[1]
local group, member, position = ARGV[2], ARGV[3], ARGV[4]
if holder(events, group, position) ~= member then return 0 end
return redis.call('XACK', events, group, position)
