-- Acknowledges an entry that a member of a group has worked off, if it is still this member's.
-- @include holding
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 member, 4 position
-- Returns: 1 acknowledged, 0 another member has it meanwhile, or nobody has.
local stream, group, member, position = KEYS[1], ARGV[2], ARGV[3], ARGV[4]
if holder(stream, group, position) ~= member then return 0 end
return redis.call('XACK', stream, group, position)
