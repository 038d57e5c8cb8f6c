-- Acknowledges an entry that a member of a group has processed, if it still belongs to this member.
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 member, 4 position
-- Returns: 1 acknowledged, 0 the entry is no longer this member's.
-- @include head, holding
local events = KEYS[1]
local group, member, position = ARGV[2], ARGV[3], ARGV[4]
if holder(events, group, position) ~= member then return 0 end
return redis.call('XACK', events, group, position)
