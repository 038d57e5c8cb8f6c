-- Moves an entry that a group cannot process to its dead letters: acknowledged, and kept with the reason.
-- KEYS: 1 events, 2 dead letters of the group
-- ARGV: 1 now (ms or 0), 2 group, 3 member, 4 position, 5 reason, 6 life of the dead letters (ms),
--       7.. field, value of the entry
-- Returns: 1 kept, 0 the entry is no longer this member's.
-- @include clock, holding
local events, letters = KEYS[1], KEYS[2]
local now = clock(ARGV[1])
local group, member, position, reason, life_ms = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local held_by, deliveries = holder(events, group, position)
if held_by ~= member then return 0 end
redis.call('XACK', events, group, position)
local fields = {}
for i = 7, #ARGV do fields[#fields + 1] = ARGV[i] end
-- Our fields come last: of two with one name readers see the later, and an entry may have any names.
local ours = {'position', position, 'reason', reason, 'deliveries', tostring(deliveries), 'dead_ms', tostring(now)}
for _, part in ipairs(ours) do fields[#fields + 1] = part end
redis.call('XADD', letters, '*', unpack(fields))
redis.call('PEXPIRE', letters, life_ms)
return 1
