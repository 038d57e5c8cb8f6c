-- Removes one member of a group unless it holds entries. The cost does not grow with the group.
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 member
-- Returns: 1 it is not listed any more, 0 it holds entries.
-- @include head
local events = KEYS[1]
local group, member = ARGV[2], ARGV[3]
if redis.call('XPENDING', events, group, '-', '+', 1, member)[1] then return 0 end
redis.call('XGROUP', 'DELCONSUMER', events, group, member)
return 1
