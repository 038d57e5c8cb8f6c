-- Takes an entry that a group cannot digest out of its way: acknowledged, and kept with the reason.
-- KEYS: 1 events, 2 dead letters of the group
-- ARGV: 1 now (ms or 0), 2 group, 3 position, 4 reason, 5 deliveries, 6 life of the dead letters (ms),
--       7.. field, value of the entry
-- Returns: 1 kept, 0 somebody else has acknowledged it.
local now = clock(ARGV[1])
if redis.call('XACK', KEYS[1], ARGV[2], ARGV[3]) == 0 then return 0 end
local fields = {}
for i = 7, #ARGV do fields[#fields + 1] = ARGV[i] end
-- Ours come last: of two fields with one name readers see the later, and an entry may have any.
for _, ours in ipairs({'position', ARGV[3], 'reason', ARGV[4], 'deliveries', ARGV[5], 'dead_ms', tostring(now)}) do
  fields[#fields + 1] = ours
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 1
